package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// buildLog writes the folder of a log over the entries on standard input (each after its uint16 length), made by tlog alone.
func buildLog(arguments []string, in io.Reader, out io.Writer) error {
	log, origin := arguments[0], arguments[1]
	signers, _, err := openSigners(arguments[2], arguments[3:])
	if err != nil {
		return err
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	entries, err := splitEntries(data)
	if err != nil {
		return err
	}
	stored, err := hashEntries(entries)
	if err != nil {
		return err
	}
	size := int64(len(entries))
	for _, tile := range tlog.NewTiles(height, 0, size) {
		hashes, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return err
		}
		if err := write(log, tilePath(tile), hashes); err != nil {
			return err
		}
		if tile.L > 0 {
			continue
		}
		start := tile.N << height
		tile.L = -1
		if err := write(log, tilePath(tile), joinEntries(entries[start:start+int64(tile.W)])); err != nil {
			return err
		}
	}
	root, err := tlog.TreeHash(size, stored)
	if err != nil {
		return err
	}
	text := checkpoint{origin, tlog.Tree{N: size, Hash: root}}.String()
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "built: log %s of %d entries, root %s\n", origin, size, root)
	return write(log, "checkpoint", signed)
}

func write(log, path string, data []byte) error {
	target := filepath.Join(log, path)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, data, 0o644)
}

// proveClaims answers questions, one a line, with the claims that checkProofs reads, from a log's entries:
//
//	inclusion SIZE INDEX
//	consistency OLD NEW
func proveClaims(arguments []string, in io.Reader, out io.Writer) error {
	head, stored, _, err := loadLog(folder(arguments[0]))
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		words := strings.Split(lines.Text(), " ")
		if len(words) != 3 {
			return fmt.Errorf("%w: question %q", wrongUsage, lines.Text())
		}
		first, err := parseDecimal(words[1])
		if err != nil {
			return err
		}
		second, err := parseDecimal(words[2])
		if err != nil {
			return err
		}
		if first > head.tree.N || second > head.tree.N {
			return fmt.Errorf("%q reaches past the tree of %d entries", lines.Text(), head.tree.N)
		}
		claim, err := prove(words[0], first, second, stored)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, strings.Join(claim, " "))
	}
	return lines.Err()
}

func prove(kind string, first, second int64, stored storedHashes) ([]string, error) {
	root, err := tlog.TreeHash(first, stored)
	if err != nil {
		return nil, err
	}
	claim := []string{kind, fmt.Sprint(first), root.String(), fmt.Sprint(second)}
	var proof []tlog.Hash
	switch kind {
	case "inclusion":
		leaf, err := stored.ReadHashes([]int64{tlog.StoredHashIndex(0, second)})
		if err != nil {
			return nil, err
		}
		claim = append(claim, leaf[0].String())
		if proof, err = tlog.ProveRecord(first, second, stored); err != nil {
			return nil, err
		}
	case "consistency":
		root, err := tlog.TreeHash(second, stored)
		if err != nil {
			return nil, err
		}
		claim = append(claim, root.String())
		if proof, err = tlog.ProveTree(second, first, stored); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: no question is called %q", wrongUsage, kind)
	}
	for _, hash := range proof {
		claim = append(claim, hash.String())
	}
	return claim, nil
}

// writeProofFile prints the tlog-proof of an entry, with the checkpoint as the log has it.
func writeProofFile(arguments []string, _ io.Reader, out io.Writer) error {
	head, stored, signed, err := loadLog(folder(arguments[0]))
	if err != nil {
		return err
	}
	index, err := parseDecimal(arguments[1])
	if err != nil {
		return err
	}
	proof, err := tlog.ProveRecord(head.tree.N, index, stored)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\nindex %d\n", proofHeader, index)
	for _, hash := range proof {
		fmt.Fprintln(out, hash)
	}
	_, err = fmt.Fprintf(out, "\n%s", signed)
	return err
}

// loadLog reads a log to prove from it; whoever checks the proofs checks the signatures.
func loadLog(log folder) (checkpoint, storedHashes, []byte, error) {
	signed, err := os.ReadFile(filepath.Join(string(log), "checkpoint"))
	if err != nil {
		return checkpoint{}, nil, nil, err
	}
	text, _, _ := strings.Cut(string(signed), "\n\n")
	head, err := parseCheckpoint([]byte(text + "\n"))
	if err != nil {
		return checkpoint{}, nil, nil, err
	}
	entries, err := readEntries(log, head.tree.N)
	if err != nil {
		return checkpoint{}, nil, nil, err
	}
	stored, err := hashEntries(entries)
	return head, stored, signed, err
}
