package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// checkpoint is the text of tlog-checkpoint; x/mod's ParseTree knows only the header of the Go checksum database.
type checkpoint struct {
	origin string
	tree   tlog.Tree
}

func (c checkpoint) String() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.origin, c.tree.N, c.tree.Hash)
}

func parseCheckpoint(text []byte) (checkpoint, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return checkpoint{}, fmt.Errorf("a checkpoint has three lines or more, each with its newline")
	}
	lines = lines[:len(lines)-1]
	for at, line := range lines {
		if line == "" {
			return checkpoint{}, fmt.Errorf("line %d of the checkpoint is empty", at+1)
		}
	}
	size, err := parseDecimal(lines[1])
	if err != nil {
		return checkpoint{}, fmt.Errorf("tree size: %w", err)
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return checkpoint{}, fmt.Errorf("root hash: %w", err)
	}
	return checkpoint{lines[0], tlog.Tree{N: size, Hash: root}}, nil
}

// parseDecimal reads a number that has one spelling.
func parseDecimal(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 0 || strconv.FormatInt(number, 10) != text {
		return 0, fmt.Errorf("%q is not a decimal number without leading zeroes", text)
	}
	return number, nil
}

// parseHash is tlog.ParseHash without the spellings that Go's base64 decoder forgives: line breaks and stray last bits.
func parseHash(text string) (tlog.Hash, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != tlog.HashSize || base64.StdEncoding.EncodeToString(raw) != text {
		return tlog.Hash{}, fmt.Errorf("%q is not the base64 of 32 bytes", text)
	}
	return tlog.Hash(raw), nil
}
