package saml

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// request makes an AuthnRequest.
func (p *Provider) request(id, destination string, now time.Time) *etree.Element {
	r := etree.NewElement("samlp:AuthnRequest")
	r.CreateAttr("xmlns:samlp", nsProtocol)
	r.CreateAttr("xmlns:saml", nsAssertion)
	r.CreateAttr("ID", id)
	r.CreateAttr("Version", "2.0")
	r.CreateAttr("IssueInstant", now.UTC().Format("2006-01-02T15:04:05Z"))
	r.CreateAttr("Destination", destination)
	r.CreateAttr("ProtocolBinding", bindingPost)
	r.CreateAttr("AssertionConsumerServiceURL", p.ACS())
	r.CreateElement("saml:Issuer").SetText(p.EntityID())
	policy := r.CreateElement("samlp:NameIDPolicy")
	if p.c.NameID != "any" {
		policy.CreateAttr("Format", formatEmail)
	}
	policy.CreateAttr("AllowCreate", "true")
	return r
}

// redirectURL is where a browser is sent with a request in the address. The signature is over
// the query as it is sent, in the order of the binding.
func redirectURL(where string, request *etree.Element, relay string, pair *keyPair) (string, error) {
	body, err := serialize(request)
	if err != nil {
		return "", err
	}
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := w.Write(body); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes())) + "&RelayState=" + url.QueryEscape(relay)
	if pair != nil {
		query += "&SigAlg=" + url.QueryEscape(dsig.RSASHA256SignatureMethod)
		sum := sha256.Sum256([]byte(query))
		sig, err := rsa.SignPKCS1v15(rand.Reader, pair.key, crypto.SHA256, sum[:])
		if err != nil {
			return "", err
		}
		query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(sig))
	}
	joint := "?"
	if strings.Contains(where, "?") {
		joint = "&"
	}
	return where + joint + query, nil
}

// sign puts an enveloped signature into a request, after its Issuer.
func sign(request *etree.Element, pair *keyPair) error {
	ctx, err := dsig.NewSigningContext(pair.key, [][]byte{pair.certificate.Raw})
	if err != nil {
		return err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(dsig.RSASHA256SignatureMethod); err != nil {
		return err
	}
	sig, err := ctx.ConstructSignature(request.Copy(), true)
	if err != nil {
		return err
	}
	issuer := request.ChildElements()[0]
	request.InsertChildAt(issuer.Index()+1, sig)
	return nil
}

func serialize(e *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.WriteSettings.CanonicalText, doc.WriteSettings.CanonicalAttrVal = true, true
	doc.SetRoot(e.Copy())
	return doc.WriteToBytes()
}

// submit is the only script of the page that carries a request by POST: its hash stands in the
// policy of the page's content.
const submit = "document.forms[0].submit()"

var postPage = template.Must(template.New("post").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Yagura</title></head><body>
<form method="post" action="{{.Where}}"><input type="hidden" name="SAMLRequest" value="{{.Request}}"><input type="hidden" name="RelayState" value="{{.Relay}}">
<noscript><p>To sign in, go on. / サインインを続けるには、ボタンを押してください。</p><button>Go on / 続ける</button></noscript></form>
<script>` + submit + `</script></body></html>
`))

// writePost answers with a page that posts a request to the provider.
func writePost(w http.ResponseWriter, where string, request *etree.Element, relay string) error {
	body, err := serialize(request)
	if err != nil {
		return err
	}
	u, err := url.Parse(where)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := postPage.Execute(&page, map[string]string{"Where": where, "Request": base64.StdEncoding.EncodeToString(body), "Relay": relay}); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(submit))
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	// Browsers hold form-action against every redirect that follows, and providers send on to
	// others that they stand for: any https address may be the end of it.
	h.Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; form-action https: %s://%s; frame-ancestors 'none'; base-uri 'none'", base64.StdEncoding.EncodeToString(sum[:]), u.Scheme, u.Host))
	_, err = w.Write(page.Bytes())
	return err
}

// metadata describes us to the provider.
func (p *Provider) metadata() ([]byte, error) {
	e := etree.NewElement("md:EntityDescriptor")
	e.CreateAttr("xmlns:md", nsMetadata)
	e.CreateAttr("entityID", p.EntityID())
	sp := e.CreateElement("md:SPSSODescriptor")
	sp.CreateAttr("AuthnRequestsSigned", fmt.Sprint(p.c.Sign))
	sp.CreateAttr("WantAssertionsSigned", fmt.Sprint(p.c.Signed == "assertion" || p.c.Signed == "both"))
	sp.CreateAttr("protocolSupportEnumeration", nsProtocol)
	if p.pair != nil {
		for _, use := range []string{"signing", "encryption"} {
			k := sp.CreateElement("md:KeyDescriptor")
			k.CreateAttr("use", use)
			info := k.CreateElement("ds:KeyInfo")
			info.CreateAttr("xmlns:ds", nsSignature)
			info.CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(p.pair.certificate.Raw))
			if use == "encryption" {
				for _, m := range []string{nsEncrypt11 + "aes256-gcm", nsEncrypt11 + "aes128-gcm", nsEncrypt + "rsa-oaep-mgf1p"} {
					k.CreateElement("md:EncryptionMethod").CreateAttr("Algorithm", m)
				}
			}
		}
	}
	if p.c.NameID != "any" {
		sp.CreateElement("md:NameIDFormat").SetText(formatEmail)
	}
	acs := sp.CreateElement("md:AssertionConsumerService")
	acs.CreateAttr("Binding", bindingPost)
	acs.CreateAttr("Location", p.ACS())
	acs.CreateAttr("index", "0")
	acs.CreateAttr("isDefault", "true")
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	doc.SetRoot(e)
	doc.Indent(2)
	return doc.WriteToBytes()
}
