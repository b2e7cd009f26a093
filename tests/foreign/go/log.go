package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// storedHashes is tlog.HashReader over hashes kept in memory, in tlog's own order.
type storedHashes []tlog.Hash

func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(s)) {
			return nil, fmt.Errorf("hash %d is outside the tree", index)
		}
		hashes[i] = s[index]
	}
	return hashes, nil
}

// hashEntries computes every hash of the tree over entries, from the entries alone.
func hashEntries(entries [][]byte) (storedHashes, error) {
	var stored storedHashes
	for i, entry := range entries {
		added, err := tlog.StoredHashes(int64(i), entry, stored)
		if err != nil {
			return nil, err
		}
		stored = append(stored, added...)
	}
	return stored, nil
}

// readEntries reads the first size entries of a log.
func readEntries(log folder, size int64) ([][]byte, error) {
	var entries [][]byte
	for start := int64(0); start < size; start += 1 << height {
		bundle, err := log.entries(start>>height, int(min(size-start, 1<<height)))
		if err != nil {
			return nil, err
		}
		entries = append(entries, bundle...)
	}
	return entries, nil
}

// readCheckpoint gives the checkpoint of a log that all keys signed.
func readCheckpoint(log folder, vkeys []string, out io.Writer) (checkpoint, error) {
	data, err := os.ReadFile(filepath.Join(string(log), "checkpoint"))
	if err != nil {
		return checkpoint{}, err
	}
	opened, err := openNote(data, vkeys)
	if err != nil {
		return checkpoint{}, err
	}
	head, err := parseCheckpoint([]byte(opened.Text))
	if err != nil {
		return checkpoint{}, err
	}
	return head, printSignatures(opened, vkeys, out)
}

// checkLog recomputes a whole published log with tlog: the root from the tiles and from the entries, each leaf, each file.
func checkLog(arguments []string, _ io.Reader, out io.Writer) error {
	log := folder(arguments[0])
	head, err := readCheckpoint(log, arguments[1:], out)
	if err != nil {
		return err
	}
	entries, err := readEntries(log, head.tree.N)
	if err != nil {
		return err
	}
	stored, err := hashEntries(entries)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(head.tree.N, stored)
	if err != nil {
		return err
	}
	if root != head.tree.Hash {
		return fmt.Errorf("the entries have root %s; the checkpoint says %s", root, head.tree.Hash)
	}
	if err := checkLeaves(log, head.tree, entries); err != nil {
		return err
	}
	files, later, err := checkFiles(log, head.tree.N, stored, entries)
	if err != nil {
		return err
	}
	records, trees, err := checkOwnProofs(log, head.tree, entries)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "accepted: log %s of %d entries, root %s from tiles and from entries; %d files judged, "+
		"%d beyond the tree; %d inclusion and %d consistency proofs made and checked\n",
		head.origin, head.tree.N, head.tree.Hash, files, later, records, trees)
	return nil
}

// checkLeaves reads all leaf hashes through tlog.TileHashReader, which authenticates each tile against the root.
func checkLeaves(log folder, tree tlog.Tree, entries [][]byte) error {
	if tree.N == 0 {
		return nil
	}
	indexes := make([]int64, tree.N)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	leaves, err := tlog.TileHashReader(tree, log).ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		if leaf != tlog.RecordHash(entries[i]) {
			return fmt.Errorf("entry %d does not hash to its leaf", i)
		}
	}
	return nil
}

// checkFiles compares every file, partial tiles of earlier sizes too, with what the entries say it holds, and misses none.
// Files may reach beyond the tree: a log writes its tiles before the checkpoint that needs them. That part is not judged.
func checkFiles(log folder, size int64, stored storedHashes, entries [][]byte) (judged, later int, err error) {
	paths, err := log.files()
	if err != nil {
		return 0, 0, err
	}
	for _, path := range paths {
		tile, err := parseTilePath(path)
		if err != nil {
			return 0, 0, err
		}
		within := min(size>>(height*max(tile.L, 0))-tile.N<<height, int64(tile.W))
		if within <= 0 {
			later++
			continue
		}
		data, err := os.ReadFile(filepath.Join(string(log), path))
		if err != nil {
			return 0, 0, err
		}
		if err := checkFile(data, tile, int(within), stored, entries); err != nil {
			return 0, 0, fmt.Errorf("%s %w", path, err)
		}
		judged++
	}
	for _, tile := range tlog.NewTiles(height, 0, size) {
		if !slices.Contains(paths, tilePath(tile)) {
			return 0, 0, fmt.Errorf("%s is missing", tilePath(tile))
		}
		if tile.L > 0 {
			continue
		}
		tile.L = -1
		if !slices.Contains(paths, tilePath(tile)) {
			return 0, 0, fmt.Errorf("%s is missing", tilePath(tile))
		}
	}
	return judged, later, nil
}

// checkFile judges the first hashes or entries of a file, those within the tree, and its length by its name.
func checkFile(data []byte, tile tlog.Tile, within int, stored storedHashes, entries [][]byte) error {
	if tile.L < 0 {
		bundle, err := splitEntries(data)
		if err != nil {
			return err
		}
		if len(bundle) != tile.W {
			return fmt.Errorf("has %d entries", len(bundle))
		}
		first := int(tile.N) << height
		if !slices.EqualFunc(bundle[:within], entries[first:first+within], bytes.Equal) {
			return errors.New("does not hold the entries of the tree")
		}
		return nil
	}
	if len(data) != tile.W*tlog.HashSize {
		return fmt.Errorf("has %d bytes", len(data))
	}
	tile.W = within
	want, err := tlog.ReadTileData(tile, stored)
	if err != nil {
		return err
	}
	if !bytes.Equal(data[:len(want)], want) {
		return errors.New("does not hold the hashes of the entries")
	}
	return nil
}

// checkOwnProofs proves records and earlier trees from the tiles with tlog and has tlog check the proofs.
func checkOwnProofs(log folder, tree tlog.Tree, entries [][]byte) (records, trees int, err error) {
	for _, index := range sample(tree.N - 1) {
		reader := tlog.TileHashReader(tree, log)
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return 0, 0, err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entries[index])); err != nil {
			return 0, 0, fmt.Errorf("record %d: %w", index, err)
		}
		records++
		old, err := tlog.TreeHash(index+1, reader)
		if err != nil {
			return 0, 0, err
		}
		consistency, err := tlog.ProveTree(tree.N, index+1, reader)
		if err != nil {
			return 0, 0, err
		}
		if err := tlog.CheckTree(consistency, tree.N, tree.Hash, index+1, old); err != nil {
			return 0, 0, fmt.Errorf("tree %d: %w", index+1, err)
		}
		trees++
	}
	return records, trees, nil
}

// sample is each number from 0 to last when there are few, else both ends, the tile edges and some between.
func sample(last int64) []int64 {
	var chosen []int64
	for i := int64(0); i <= last; i++ {
		edge := i%(1<<height) == 0 || i%(1<<height) == 1<<height-1
		if last < 64 || i == last || edge && i/(1<<height)%61 == 0 || i%(last/16) == 0 {
			chosen = append(chosen, i)
		}
	}
	return chosen
}
