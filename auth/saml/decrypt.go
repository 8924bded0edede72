package saml

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // of OAEP, where a collision is of no use
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/beevik/etree"
)

// sizes of the keys of the ciphers that are taken. Triple DES is not.
var (
	gcmKeys = map[string]int{nsEncrypt11 + "aes128-gcm": 16, nsEncrypt11 + "aes192-gcm": 24, nsEncrypt11 + "aes256-gcm": 32}
	cbcKeys = map[string]int{nsEncrypt + "aes128-cbc": 16, nsEncrypt + "aes192-cbc": 24, nsEncrypt + "aes256-cbc": 32}

	oaepDigests = map[string]crypto.Hash{
		"": crypto.SHA1, "http://www.w3.org/2000/09/xmldsig#sha1": crypto.SHA1, nsEncrypt + "sha256": crypto.SHA256,
		"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384, nsEncrypt + "sha512": crypto.SHA512,
	}
	oaepMasks = map[string]crypto.Hash{
		"": crypto.SHA1, nsEncrypt11 + "mgf1sha1": crypto.SHA1, nsEncrypt11 + "mgf1sha256": crypto.SHA256,
		nsEncrypt11 + "mgf1sha384": crypto.SHA384, nsEncrypt11 + "mgf1sha512": crypto.SHA512,
	}
)

// errDecrypt is all that is said when a key or a text does not open: what differs between the
// ways of failing is what an attacker asks for.
var errDecrypt = errors.New("an encrypted assertion does not open with our key (hint: the provider has to use the certificate in our metadata)")

// decrypt returns the assertion in an EncryptedAssertion. signed says that the response around
// it is signed: only then is CBC taken, which by itself tells nobody whether a text was changed,
// and so gives its content away to who may ask often.
func decrypt(e *etree.Element, key *rsa.PrivateKey, signed bool) (*etree.Element, error) {
	if key == nil {
		return nil, errors.New("an assertion is encrypted, and there is no key here (hint: key and certificate)")
	}
	if err := only(e, nsEncrypt, "EncryptedData", "EncryptedKey"); err != nil {
		return nil, err
	}
	data, err := one(e, nsEncrypt, "EncryptedData")
	if err != nil {
		return nil, err
	}
	if t := attr(data, "Type"); t != "" && t != nsEncrypt+"Element" {
		return nil, fmt.Errorf("what is encrypted is %.100q and no element", t)
	}
	method, err := one(data, nsEncrypt, "EncryptionMethod")
	if err != nil {
		return nil, err
	}
	algorithm := attr(method, "Algorithm")
	size, gcm := gcmKeys[algorithm]
	if !gcm {
		cbc := false
		if size, cbc = cbcKeys[algorithm]; !cbc {
			return nil, fmt.Errorf("an assertion is encrypted with %.100q (hint: let the provider use AES-256-GCM)", algorithm)
		}
		if !signed {
			return nil, errors.New("an assertion is encrypted with CBC in a response that is not signed (hint: let the provider use AES-256-GCM, or sign the response too)")
		}
	}
	text, err := cipherValue(data)
	if err != nil {
		return nil, err
	}
	wrapped, err := keysOf(e, data)
	if err != nil {
		return nil, err
	}
	for _, w := range wrapped {
		content, err := unwrap(w, key)
		if err != nil {
			return nil, err
		}
		if len(content) != size {
			continue
		}
		plain, err := open(content, text, gcm)
		if err != nil {
			continue
		}
		root, err := parse(plain, responseBounds)
		if err == nil && !is(root, nsAssertion, "Assertion") {
			err = fmt.Errorf("it is a %.80q", root.Tag)
		}
		switch {
		case err == nil:
			return root, nil
		case gcm: // whoever wrote it knew the key, and learns nothing
			return nil, fmt.Errorf("what was encrypted is no assertion: %w", err)
		}
	}
	return nil, errDecrypt
}

// keysOf returns the encrypted keys: in the KeyInfo of the data, or beside it.
func keysOf(e, data *etree.Element) ([]*etree.Element, error) {
	out := children(e, nsEncrypt, "EncryptedKey")
	for _, info := range children(data, nsSignature, "KeyInfo") {
		out = append(out, children(info, nsEncrypt, "EncryptedKey")...)
	}
	if len(out) == 0 || len(out) > 4 {
		return nil, fmt.Errorf("an encrypted assertion has %d keys", len(out))
	}
	return out, nil
}

// unwrap decrypts a key. It is nil where ours does not open it; an error is of the form alone.
func unwrap(e *etree.Element, key *rsa.PrivateKey) ([]byte, error) {
	method, err := one(e, nsEncrypt, "EncryptionMethod")
	if err != nil {
		return nil, err
	}
	algorithm, digest, mask := attr(method, "Algorithm"), "", ""
	for _, p := range method.ChildElements() {
		switch {
		case is(p, nsSignature, "DigestMethod"):
			digest = attr(p, "Algorithm")
		case is(p, nsEncrypt11, "MGF") && algorithm == nsEncrypt11+"rsa-oaep":
			mask = attr(p, "Algorithm")
		default:
			return nil, fmt.Errorf("a key is encrypted with the parameter %.80q", p.Tag)
		}
	}
	if algorithm != nsEncrypt+"rsa-oaep-mgf1p" && algorithm != nsEncrypt11+"rsa-oaep" {
		return nil, fmt.Errorf("a key is encrypted with %.100q (hint: let the provider use RSA-OAEP)", algorithm)
	}
	h, known := oaepDigests[digest]
	m, knownMask := oaepMasks[mask]
	if !known || !knownMask {
		return nil, fmt.Errorf("a key is encrypted with the digests %.100q and %.100q", digest, mask)
	}
	text, err := cipherValue(e)
	if err != nil {
		return nil, err
	}
	content, err := key.Decrypt(rand.Reader, text, &rsa.OAEPOptions{Hash: h, MGFHash: m})
	if err != nil {
		return nil, nil // another recipient's, or broken: which of the two is not said
	}
	return content, nil
}

func cipherValue(e *etree.Element) ([]byte, error) {
	data, err := one(e, nsEncrypt, "CipherData")
	if err != nil {
		return nil, err
	}
	value, err := one(data, nsEncrypt, "CipherValue")
	if err != nil {
		return nil, err
	}
	t, err := text(value)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(t), ""))
}

func open(key, text []byte, gcm bool) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if gcm {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		if len(text) < aead.NonceSize()+aead.Overhead() {
			return nil, errDecrypt
		}
		return aead.Open(nil, text[:aead.NonceSize()], text[aead.NonceSize():], nil)
	}
	if len(text) < 2*aes.BlockSize || len(text)%aes.BlockSize != 0 {
		return nil, errDecrypt
	}
	plain := make([]byte, len(text)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, text[:aes.BlockSize]).CryptBlocks(plain, text[aes.BlockSize:])
	n := int(plain[len(plain)-1])
	if n < 1 || n > aes.BlockSize {
		return nil, errDecrypt
	}
	return plain[:len(plain)-n], nil
}
