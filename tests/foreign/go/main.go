// Checker asks the Go authors' code whether it accepts our notes, logs and proofs, and has it make some for us to accept.
//
// What it decides with: golang.org/x/mod/sumdb/note for notes, golang.org/x/mod/sumdb/tlog for trees and proofs,
// crypto/mldsa and crypto/ed25519 for signatures. Its own part is only what these leave out: the file layout of tlog-tiles,
// the text of a checkpoint, the messages of tlog-cosignature and the lines of tlog-proof, read from the C2SP documents alone.
// What the gate signs (gate.go) it reads with the standard library.
//
// It exits 0 when all it was asked about is accepted, 1 when something is refused (the reason on standard error), 2 on wrong usage.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

type command struct {
	usage     string
	arguments int // at least so many
	run       func(arguments []string, in io.Reader, out io.Writer) error
}

var commands = map[string]command{
	"note":      {"note FILE VKEY...", 2, checkNote},
	"log":       {"log FOLDER VKEY...", 2, checkLog},
	"proofs":    {"proofs < claims", 0, checkProofs},
	"proof":     {"proof FILE ENTRY VKEY...", 3, checkProofFile},
	"vkey":      {"vkey SKEY...", 1, printVerifiers},
	"sign":      {"sign FILE TIMESTAMP SKEY...", 3, signNote},
	"build":     {"build FOLDER ORIGIN TIMESTAMP SKEY... < entries", 4, buildLog},
	"prove":     {"prove FOLDER < questions", 1, proveClaims},
	"prove-log": {"prove-log FOLDER INDEX", 2, writeProofFile},

	"canonical":  {"canonical < JSON", 0, printCanonical},
	"assertion":  {"assertion RP-ID ORIGIN CHALLENGE COSE-KEY AUTHENTICATOR-DATA CLIENT-DATA SIGNATURE", 7, checkAssertion},
	"token":      {"token TYPE < jwks and token", 1, checkToken},
	"sign-token": {"sign-token TYPE SEED < claims", 2, signToken},
}

// wrongUsage is for what the caller got wrong, as opposed to evidence that does not hold.
var wrongUsage = errors.New("wrong usage")

func main() {
	err := dispatch(os.Args[1:])
	switch {
	case err == nil:
	case errors.Is(err, wrongUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}

func dispatch(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("%w: name a command", wrongUsage)
	}
	chosen, known := commands[arguments[0]]
	if !known {
		return fmt.Errorf("%w: no command %q", wrongUsage, arguments[0])
	}
	if len(arguments)-1 < chosen.arguments {
		return fmt.Errorf("%w: checker %s", wrongUsage, chosen.usage)
	}
	return chosen.run(arguments[1:], os.Stdin, os.Stdout)
}
