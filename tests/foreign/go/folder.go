package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// height is that of every tile in tlog-tiles: 2^8 hashes wide.
const height = 8

// tilePath is the path of tlog-tiles. The checksum database says tile/8/LEVEL/INDEX, and tile/8/data/INDEX for entries.
func tilePath(tile tlog.Tile) string {
	rest := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	if entries, is := strings.CutPrefix(rest, "data/"); is {
		return "tile/entries/" + entries
	}
	return "tile/" + rest
}

func parseTilePath(path string) (tlog.Tile, error) {
	rest, found := strings.CutPrefix(path, "tile/")
	if !found {
		return tlog.Tile{}, fmt.Errorf("%q is not under tile/", path)
	}
	if entries, is := strings.CutPrefix(rest, "entries/"); is {
		rest = "data/" + entries
	} else if strings.HasPrefix(rest, "data/") {
		return tlog.Tile{}, fmt.Errorf("%q is not a path of tlog-tiles", path)
	}
	return tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", height, rest))
}

// folder is a published log: tlog.TileReader over its files.
type folder string

func (f folder) Height() int                     { return height }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		one, err := f.read(tile)
		if err != nil {
			return nil, err
		}
		if len(one) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes; expected %d hashes", tilePath(tile), len(one), tile.W)
		}
		data = append(data, one[:tile.W*tlog.HashSize])
	}
	return data, nil
}

// read takes the full tile where a partial one is gone: tlog-tiles, "Partial Tiles", lets a log delete those.
func (f folder) read(tile tlog.Tile) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(string(f), tilePath(tile)))
	if errors.Is(err, fs.ErrNotExist) && tile.W < 1<<height {
		full := tile
		full.W = 1 << height
		if whole, missing := os.ReadFile(filepath.Join(string(f), tilePath(full))); missing == nil {
			return whole, nil
		}
	}
	return data, err
}

func (f folder) entries(index int64, width int) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: -1, N: index, W: width}
	data, err := f.read(tile)
	if err != nil {
		return nil, err
	}
	entries, err := splitEntries(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", tilePath(tile), err)
	}
	if len(entries) != width && len(entries) != 1<<height {
		return nil, fmt.Errorf("%s has %d entries; expected %d", tilePath(tile), len(entries), width)
	}
	return entries[:width], nil
}

// splitEntries reads what follows one another with a big-endian uint16 length before each.
func splitEntries(data []byte) ([][]byte, error) {
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, errors.New("ends within a length")
		}
		length := int(binary.BigEndian.Uint16(data))
		if data = data[2:]; len(data) < length {
			return nil, errors.New("ends within an entry")
		}
		entries, data = append(entries, data[:length]), data[length:]
	}
	return entries, nil
}

func joinEntries(entries [][]byte) []byte {
	var data []byte
	for _, entry := range entries {
		data = append(binary.BigEndian.AppendUint16(data, uint16(len(entry))), entry...)
	}
	return data
}

// files are all paths below tile/, as tlog-tiles writes them.
func (f folder) files() ([]string, error) {
	var paths []string
	err := filepath.WalkDir(filepath.Join(string(f), "tile"), func(path string, item fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if item.IsDir() {
			return nil
		}
		relative, err := filepath.Rel(string(f), path)
		paths = append(paths, filepath.ToSlash(relative))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return paths, err
}
