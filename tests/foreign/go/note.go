package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// openNote opens a note with x/mod; every key given must have signed it, for "one of them did" would hide a missing signature.
func openNote(data []byte, vkeys []string) (*note.Note, error) {
	var verifiers []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := newVerifier(vkey)
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return nil, err
	}
	for _, verifier := range verifiers {
		if _, found := signatureBy(opened, verifier); !found {
			return nil, fmt.Errorf("no signature by %s+%08x", verifier.Name(), verifier.KeyHash())
		}
	}
	return opened, nil
}

func signatureBy(opened *note.Note, verifier note.Verifier) (note.Signature, bool) {
	for _, signature := range opened.Sigs {
		if signature.Name == verifier.Name() && signature.Hash == verifier.KeyHash() {
			return signature, true
		}
	}
	return note.Signature{}, false
}

func checkNote(arguments []string, _ io.Reader, out io.Writer) error {
	data, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	opened, err := openNote(data, arguments[1:])
	if err != nil {
		return err
	}
	return printSignatures(opened, arguments[1:], out)
}

// printSignatures says who signed, by what, and when, as far as the signature says when.
func printSignatures(opened *note.Note, vkeys []string, out io.Writer) error {
	for _, vkey := range vkeys {
		key, err := decodeKey(vkey)
		if err != nil {
			return err
		}
		for _, signature := range opened.Sigs {
			if signature.Name != key.name || signature.Hash != key.hash {
				continue
			}
			raw, err := base64.StdEncoding.DecodeString(signature.Base64)
			if err != nil {
				return err
			}
			switch key.kind {
			case noteEd25519:
				fmt.Fprintf(out, "accepted: note signature 0x01 (Ed25519) by %s+%08x\n", key.name, key.hash)
			case cosignatureEd25519:
				at := binary.BigEndian.Uint64(raw[4:])
				fmt.Fprintf(out, "accepted: cosignature 0x04 (Ed25519) by %s+%08x at %d\n", key.name, key.hash, at)
			case cosignatureMLDSA44:
				at := binary.BigEndian.Uint64(raw[4:])
				fmt.Fprintf(out, "accepted: cosignature 0x06 (ML-DSA-44) by %s+%08x at %d\n", key.name, key.hash, at)
			}
		}
	}
	return nil
}

func openSigners(timestamp string, skeys []string) (signers []note.Signer, vkeys []string, err error) {
	at, err := strconv.ParseUint(timestamp, 10, 64)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: timestamp %q", wrongUsage, timestamp)
	}
	for _, skey := range skeys {
		signer, vkey, err := openSigner(skey, at)
		if err != nil {
			return nil, nil, err
		}
		signers, vkeys = append(signers, signer), append(vkeys, vkey)
	}
	return signers, vkeys, nil
}

func printVerifiers(skeys []string, _ io.Reader, out io.Writer) error {
	_, vkeys, err := openSigners("0", skeys)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, strings.Join(vkeys, "\n"))
	return err
}

// signNote signs a text, or adds signatures to a note it takes as it is: what it had signed already stays.
func signNote(arguments []string, _ io.Reader, out io.Writer) error {
	data, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	signers, _, err := openSigners(arguments[1], arguments[2:])
	if err != nil {
		return err
	}
	unsigned := &note.Note{Text: string(data)}
	if _, err := note.Open(data, note.VerifierList()); err != nil {
		if unverified, is := err.(*note.UnverifiedNoteError); is {
			unsigned = unverified.Note
		}
	}
	signed, err := note.Sign(unsigned, signers...)
	if err != nil {
		return err
	}
	_, err = out.Write(signed)
	return err
}
