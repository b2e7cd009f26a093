package main

import (
	"crypto/ed25519"
	"crypto/mldsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// The signature types of signed-note that we issue.
const (
	noteEd25519        = 0x01
	cosignatureEd25519 = 0x04
	cosignatureMLDSA44 = 0x06
)

// encodedKey is a verifier key or a signing key taken apart: NAME+ID+base64(type || material).
type encodedKey struct {
	name     string
	hash     uint32
	kind     byte
	material []byte
}

func decodeKey(text string) (encodedKey, error) {
	name, rest, _ := strings.Cut(text, "+")
	id, encoded, found := strings.Cut(rest, "+")
	if !found || name == "" {
		return encodedKey{}, fmt.Errorf("key %.60q is not NAME+ID+KEY", text)
	}
	hash, err := hex.DecodeString(id)
	if err != nil || len(hash) != 4 || hex.EncodeToString(hash) != id {
		return encodedKey{}, fmt.Errorf("key id %q is not 8 lower-case hex digits", id)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) < 2 {
		return encodedKey{}, fmt.Errorf("key %.60q does not end in base64", text)
	}
	return encodedKey{name, binary.BigEndian.Uint32(hash), raw[0], raw[1:]}, nil
}

// keyHash is the key ID that signed-note recommends and tlog-cosignature demands.
func keyHash(name string, kind byte, public []byte) uint32 {
	digest := sha256.New()
	digest.Write([]byte(name + "\n"))
	digest.Write([]byte{kind})
	digest.Write(public)
	return binary.BigEndian.Uint32(digest.Sum(nil))
}

func verifierKey(name string, kind byte, public []byte) string {
	encoded := base64.StdEncoding.EncodeToString(append([]byte{kind}, public...))
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, kind, public), encoded)
}

// newVerifier leaves plain Ed25519 notes to x/mod and adds the two cosignatures.
func newVerifier(text string) (note.Verifier, error) {
	key, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	if key.kind == noteEd25519 {
		return note.NewVerifier(text)
	}
	if keyHash(key.name, key.kind, key.material) != key.hash {
		return nil, fmt.Errorf("the id of key %s is not the hash of its name, type and key", key.name)
	}
	verifier := &cosigner{name: key.name, hash: key.hash, message: messages[key.kind]}
	switch key.kind {
	case cosignatureEd25519:
		if len(key.material) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("key %s has %d bytes; Ed25519 has 32", key.name, len(key.material))
		}
		verifier.verify = func(message, signature []byte) bool {
			return ed25519.Verify(key.material, message, signature)
		}
	case cosignatureMLDSA44:
		public, err := mldsa.NewPublicKey(mldsa.MLDSA44(), key.material)
		if err != nil {
			return nil, fmt.Errorf("key %s: %w", key.name, err)
		}
		verifier.verify = func(message, signature []byte) bool {
			return mldsa.Verify(public, message, signature, nil) == nil
		}
	default:
		return nil, fmt.Errorf("key %s is of type 0x%02x; only 0x01, 0x04 and 0x06 are known", key.name, key.kind)
	}
	return verifier, nil
}

// openSigner gives the signer of a signing key and its verifier key; a timestamp is for cosignatures.
// Signatures are deterministic, so that the same seed, text and time make the same bytes.
func openSigner(text string, timestamp uint64) (note.Signer, string, error) {
	const prefix = "PRIVATE+KEY+"
	if !strings.HasPrefix(text, prefix) {
		return nil, "", fmt.Errorf("a signing key begins with %s", prefix)
	}
	key, err := decodeKey(strings.TrimPrefix(text, prefix))
	if err != nil {
		return nil, "", err
	}
	if len(key.material) != 32 {
		return nil, "", fmt.Errorf("the seed of %s has %d bytes; expected 32", key.name, len(key.material))
	}
	signer := &cosigner{name: key.name, hash: key.hash, message: messages[key.kind], timestamp: timestamp}
	var public []byte
	switch key.kind {
	case noteEd25519, cosignatureEd25519:
		private := ed25519.NewKeyFromSeed(key.material)
		public = private.Public().(ed25519.PublicKey)
		signer.sign = func(message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil }
	case cosignatureMLDSA44:
		private, err := mldsa.NewPrivateKey(mldsa.MLDSA44(), key.material)
		if err != nil {
			return nil, "", err
		}
		public = private.PublicKey().Bytes()
		signer.sign = func(message []byte) ([]byte, error) { return private.SignDeterministic(message, nil) }
	default:
		return nil, "", fmt.Errorf("key %s is of type 0x%02x; only 0x01, 0x04 and 0x06 are known", key.name, key.kind)
	}
	if keyHash(key.name, key.kind, public) != key.hash {
		return nil, "", fmt.Errorf("the id of signing key %s does not belong to its public key", key.name)
	}
	vkey := verifierKey(key.name, key.kind, public)
	if key.kind == noteEd25519 {
		plain, err := note.NewSigner(text)
		return plain, vkey, err
	}
	return signer, vkey, nil
}
