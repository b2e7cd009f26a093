package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
)

// What the gate signs, read from docs/formats/request.md and lease.md alone, with the standard library of Go.

var unpadded = base64.RawURLEncoding.Strict()

// printCanonical reads JSON in any spelling and writes its RFC 8785 form and, on the next line, SHA-256 of that.
func printCanonical(_ []string, in io.Reader, out io.Writer) error {
	form, err := canonical(in)
	if err != nil {
		return err
	}
	hash := sha256.Sum256(form)
	_, err = fmt.Fprintf(out, "%s\n%s\n", form, unpadded.EncodeToString(hash[:]))
	return err
}

// canonical is RFC 8785 for JSON whose numbers are integers: encoding/json sorts members by their bytes, which is the
// order of RFC 8785 for every name without characters beyond the first plane.
func canonical(in io.Reader) ([]byte, error) {
	decoder := json.NewDecoder(in)
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(written.Bytes(), []byte("\n")), nil
}

// checkAssertion is Web Authentication, section 7.2, for an ES256 key and a person who is present and verified:
//
//	assertion RP-ID ORIGIN CHALLENGE COSE-KEY AUTHENTICATOR-DATA CLIENT-DATA SIGNATURE     (bytes in base64url)
func checkAssertion(arguments []string, _ io.Reader, _ io.Writer) error {
	var data [4][]byte
	for i, text := range arguments[3:7] {
		decoded, err := unpadded.DecodeString(text)
		if err != nil {
			return err
		}
		data[i] = decoded
	}
	cose, authenticator, client, signature := data[0], data[1], data[2], data[3]
	var told struct{ Type, Challenge, Origin string }
	if err := json.Unmarshal(client, &told); err != nil {
		return err
	}
	if told.Type != "webauthn.get" || told.Challenge != arguments[2] || told.Origin != arguments[1] {
		return errors.New("the client data is for something else")
	}
	party := sha256.Sum256([]byte(arguments[0]))
	if len(authenticator) < 37 || !bytes.Equal(authenticator[:32], party[:]) {
		return errors.New("the authenticator data is for another party")
	}
	const presentAndVerified = 0x05
	if authenticator[32]&presentAndVerified != presentAndVerified {
		return errors.New("the person was not present and verified")
	}
	// {1: 2, 3: -7, -1: 1, -2: x, -3: y}
	head, middle := []byte("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"), []byte("\x22\x58\x20")
	if len(cose) != 77 || !bytes.HasPrefix(cose, head) || !bytes.Equal(cose[42:45], middle) {
		return errors.New("not a COSE key for ES256")
	}
	key := &ecdsa.PublicKey{Curve: elliptic.P256(), X: new(big.Int).SetBytes(cose[10:42]), Y: new(big.Int).SetBytes(cose[45:])}
	clientHash := sha256.Sum256(client)
	signed := sha256.Sum256(append(bytes.Clone(authenticator), clientHash[:]...))
	if !ecdsa.VerifyASN1(key, signed[:], signature) {
		return errors.New("the signature does not hold")
	}
	return nil
}

type jwk struct{ Alg, Crv, Kid, Kty, Use, X string }

// checkToken reads a JWK Set and a compact JWS, one a line, and writes the claims if the token is of the type:
//
//	token TYPE < jwks and token
func checkToken(arguments []string, in io.Reader, out io.Writer) error {
	given, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	first, second, _ := strings.Cut(string(given), "\n")
	var set struct{ Keys []jwk }
	if err := json.Unmarshal([]byte(first), &set); err != nil {
		return err
	}
	parts := strings.Split(second, ".")
	if len(parts) != 3 {
		return errors.New("not a compact JWS")
	}
	var read [3][]byte
	for i, part := range parts {
		if read[i], err = unpadded.DecodeString(part); err != nil {
			return err
		}
	}
	var header map[string]string
	if err := json.Unmarshal(read[0], &header); err != nil {
		return err
	}
	if len(header) != 3 || header["alg"] != "Ed25519" || header["typ"] != arguments[0] {
		return fmt.Errorf("the header is %s", read[0])
	}
	claims, err := canonical(bytes.NewReader(read[1]))
	if err != nil {
		return err
	}
	if !bytes.Equal(claims, read[1]) {
		return errors.New("the claims are not canonical")
	}
	for _, key := range set.Keys {
		if key.Kid != header["kid"] {
			continue
		}
		public, err := publicKey(key)
		if err != nil {
			return err
		}
		if !ed25519.Verify(public, []byte(parts[0]+"."+parts[1]), read[2]) {
			return errors.New("the signature does not hold")
		}
		_, err = fmt.Fprintf(out, "%s\n", claims)
		return err
	}
	return fmt.Errorf("no key %s", header["kid"])
}

// publicKey is the key of a JWK, which must be known by its thumbprint (RFC 7638, RFC 8037).
func publicKey(key jwk) (ed25519.PublicKey, error) {
	if key.Kty != "OKP" || key.Crv != "Ed25519" || key.Alg != "Ed25519" || key.Use != "sig" {
		return nil, fmt.Errorf("not a key to sign with: %+v", key)
	}
	if want := thumbprint(key.X); key.Kid != want {
		return nil, fmt.Errorf("the key's thumbprint is %s", want)
	}
	public, err := unpadded.DecodeString(key.X)
	if err == nil && len(public) != ed25519.PublicKeySize {
		err = fmt.Errorf("a public key of %d bytes", len(public))
	}
	return public, err
}

func thumbprint(x string) string {
	hash := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + x + `"}`))
	return unpadded.EncodeToString(hash[:])
}

// signToken makes a compact JWS of claims in any spelling:
//
//	sign-token TYPE SEED < claims
func signToken(arguments []string, in io.Reader, out io.Writer) error {
	seed, err := unpadded.DecodeString(arguments[1])
	if err != nil || len(seed) != ed25519.SeedSize {
		return fmt.Errorf("%w: a seed has 32 bytes in base64url", wrongUsage)
	}
	claims, err := canonical(in)
	if err != nil {
		return err
	}
	private := ed25519.NewKeyFromSeed(seed)
	kid := thumbprint(unpadded.EncodeToString(private.Public().(ed25519.PublicKey)))
	header := fmt.Sprintf(`{"alg":"Ed25519","kid":"%s","typ":"%s"}`, kid, arguments[0])
	signed := unpadded.EncodeToString([]byte(header)) + "." + unpadded.EncodeToString(claims)
	_, err = fmt.Fprintf(out, "%s.%s\n", signed, unpadded.EncodeToString(ed25519.Sign(private, []byte(signed))))
	return err
}
