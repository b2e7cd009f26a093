package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// message says what a cosigner signs for a note's text at a time.
type message func(cosigner string, timestamp uint64, text []byte) ([]byte, error)

var messages = map[byte]message{
	cosignatureEd25519: ed25519Message,
	cosignatureMLDSA44: subtreeMessage,
}

// ed25519Message is tlog-cosignature, "Ed25519 signed message": a header, the time, the whole note text.
func ed25519Message(_ string, timestamp uint64, text []byte) ([]byte, error) {
	if _, err := parseCheckpoint(text); err != nil {
		return nil, err
	}
	return append(fmt.Appendf(nil, "cosignature/v1\ntime %d\n", timestamp), text...), nil
}

// subtreeMessage is tlog-cosignature, "ML-DSA-44 signed message": the structure cosigned_message for a whole tree.
func subtreeMessage(cosigner string, timestamp uint64, text []byte) ([]byte, error) {
	checkpoint, err := parseCheckpoint(text)
	if err != nil {
		return nil, err
	}
	var signed bytes.Buffer
	signed.WriteString("subtree/v1\n\x00")
	if err := writeOpaque(&signed, cosigner); err != nil {
		return nil, fmt.Errorf("cosigner name: %w", err)
	}
	signed.Write(binary.BigEndian.AppendUint64(nil, timestamp))
	if err := writeOpaque(&signed, checkpoint.origin); err != nil {
		return nil, fmt.Errorf("log origin: %w", err)
	}
	signed.Write(binary.BigEndian.AppendUint64(nil, 0))
	signed.Write(binary.BigEndian.AppendUint64(nil, uint64(checkpoint.tree.N)))
	signed.Write(checkpoint.tree.Hash[:])
	return signed.Bytes(), nil
}

// writeOpaque writes opaque<1..2^8-1> of RFC 8446, section 3.4.
func writeOpaque(to *bytes.Buffer, value string) error {
	if len(value) < 1 || len(value) > math.MaxUint8 {
		return fmt.Errorf("%d bytes; expected 1 to 255", len(value))
	}
	to.WriteByte(byte(len(value)))
	to.WriteString(value)
	return nil
}

// cosigner is note.Verifier and note.Signer for the timestamped signatures; it has verify or sign, as it was opened.
type cosigner struct {
	name      string
	hash      uint32
	message   message
	timestamp uint64
	verify    func(message, signature []byte) bool
	sign      func(message []byte) ([]byte, error)
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, stamped []byte) bool {
	if len(stamped) < 8 {
		return false
	}
	timestamp := binary.BigEndian.Uint64(stamped)
	if timestamp > math.MaxInt64 {
		return false
	}
	signed, err := c.message(c.name, timestamp, text)
	return err == nil && c.verify(signed, stamped[8:])
}

func (c *cosigner) Sign(text []byte) ([]byte, error) {
	if c.timestamp > math.MaxInt64 {
		return nil, fmt.Errorf("timestamp %d is above 2^63-1", c.timestamp)
	}
	signed, err := c.message(c.name, c.timestamp, text)
	if err != nil {
		return nil, err
	}
	signature, err := c.sign(signed)
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint64(nil, c.timestamp), signature...), nil
}
