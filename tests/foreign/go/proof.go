package main

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// checkProofs reads claims, one a line, and gives a verdict for each:
//
//	inclusion SIZE ROOT INDEX LEAF [HASH...]
//	consistency OLD OLD-ROOT NEW NEW-ROOT [HASH...]
func checkProofs(_ []string, in io.Reader, out io.Writer) error {
	refused := 0
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := checkClaim(strings.Split(lines.Text(), " ")); err != nil {
			refused++
			fmt.Fprintln(out, "refused:", err)
		} else {
			fmt.Fprintln(out, "accepted")
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if refused > 0 {
		return fmt.Errorf("%d claims do not hold", refused)
	}
	return nil
}

func checkClaim(words []string) error {
	if len(words) < 5 {
		return errors.New("a claim has five words or more")
	}
	first, err := parseDecimal(words[1])
	if err != nil {
		return err
	}
	firstHash, err := parseHash(words[2])
	if err != nil {
		return err
	}
	second, err := parseDecimal(words[3])
	if err != nil {
		return err
	}
	secondHash, err := parseHash(words[4])
	if err != nil {
		return err
	}
	proof, err := parseHashes(words[5:])
	if err != nil {
		return err
	}
	switch words[0] {
	case "inclusion":
		return tlog.CheckRecord(proof, first, firstHash, second, secondHash)
	case "consistency":
		return tlog.CheckTree(proof, second, secondHash, first, firstHash)
	default:
		return fmt.Errorf("no claim is called %q", words[0])
	}
}

func parseHashes(words []string) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(words))
	for i, word := range words {
		hash, err := parseHash(word)
		if err != nil {
			return nil, err
		}
		hashes[i] = hash
	}
	return hashes, nil
}

const proofHeader = "c2sp.org/tlog-proof@v1"

// proofFile is a tlog-proof taken apart; the checkpoint is a note that is not yet verified.
type proofFile struct {
	index  int64
	hashes tlog.RecordProof
	note   string
}

func parseProofFile(text string) (proofFile, error) {
	head, signed, found := strings.Cut(text, "\n\n")
	if !found {
		return proofFile{}, errors.New("no empty line before the checkpoint")
	}
	lines := strings.Split(head, "\n")
	if lines[0] != proofHeader {
		return proofFile{}, fmt.Errorf("the first line is not %s", proofHeader)
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		if _, err := base64.StdEncoding.Strict().DecodeString(strings.TrimPrefix(lines[0], "extra ")); err != nil {
			return proofFile{}, fmt.Errorf("extra: %w", err)
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return proofFile{}, errors.New("no line with the index")
	}
	index, err := parseDecimal(strings.TrimPrefix(lines[0], "index "))
	if err != nil {
		return proofFile{}, err
	}
	hashes, err := parseHashes(lines[1:])
	if err != nil {
		return proofFile{}, err
	}
	return proofFile{index, hashes, signed}, nil
}

// checkProofFile follows "Verifying a tlog proof", the quorum being all the keys given.
func checkProofFile(arguments []string, _ io.Reader, out io.Writer) error {
	text, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	proof, err := parseProofFile(string(text))
	if err != nil {
		return err
	}
	opened, err := openNote([]byte(proof.note), arguments[2:])
	if err != nil {
		return err
	}
	head, err := parseCheckpoint([]byte(opened.Text))
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof.hashes, head.tree.N, head.tree.Hash, proof.index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	if err := printSignatures(opened, arguments[2:], out); err != nil {
		return err
	}
	fmt.Fprintf(out, "accepted: entry %d is in log %s of %d entries\n", proof.index, head.origin, head.tree.N)
	return nil
}
