// Two providers of SAML on loopback: samlp, which signs with xml-crypto, and samlify. Whoever
// comes is signed in as the user of the options.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const options = JSON.parse(process.env.IDP_OPTIONS)
const user = { email: 'Mary@example.com', name: '花子 Mary', groups: ['security', 'all'], ...options.user }

function read(req) {
  return new Promise((resolve, reject) => {
    let body = ''
    req.on('data', (part) => { body += part })
    req.on('end', () => resolve(Object.fromEntries(new URLSearchParams(body))))
    req.on('error', reject)
  })
}

const html = (s) => s.replace(/&/g, '&amp;').replace(/"/g, '&quot;').replace(/</g, '&lt;')
const form = (to, response, relay) =>
  `<form method="post" action="${html(to)}"><input type="hidden" name="SAMLResponse" value="${html(response)}"><input type="hidden" name="RelayState" value="${html(relay ?? '')}"></form>`

// bySamlp answers with samlp.
function bySamlp(base) {
  const samlp = require('samlp')
  class Mapper {
    constructor(u) { this.user = u }
    getClaims() { return { displayName: this.user.name, groups: this.user.groups } }
    getNameIdentifier() { return { nameIdentifier: this.user.email, nameIdentifierFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress' } }
  }
  Mapper.prototype.metadata = []
  const answer = samlp.auth({
    issuer: options.issuer,
    cert: options.cert,
    key: options.key,
    signingCert: options.sp_cert, // requests have to be signed with it, where it is given
    audience: options.audience,
    destination: options.acs,
    recipient: options.acs,
    lifetimeInSeconds: 300,
    signResponse: options.sign_response ?? false,
    signAssertion: options.sign_assertion ?? true,
    signatureAlgorithm: options.signature ?? 'rsa-sha256',
    digestAlgorithm: options.digest ?? 'sha256',
    encryptionCert: options.encryption_cert,
    encryptionPublicKey: options.encryption_key,
    encryptionAlgorithm: options.encryption,
    disallowEncryptionWithInsecureAlgorithm: false, // CBC is tried too
    warnOnInsecureEncryptionAlgorithm: false,
    profileMapper: (u) => new Mapper(u),
    getUserFromRequest: () => user,
    getPostURL: (_audience, _dom, _req, done) => done(null, options.acs),
    responseHandler: (response, opts, req, res) => res.end(form(options.acs, response.toString('base64'), req.query.RelayState ?? req.body.RelayState)),
  })
  const metadata = samlp.metadata({ issuer: options.issuer, cert: options.cert, redirectEndpointPath: '/sso', postEndpointPath: '/sso', profileMapper: Mapper })
  return async (req, res, url) => {
    req.query = Object.fromEntries(url.searchParams)
    req.body = req.method === 'POST' ? await read(req) : {}
    req.originalUrl = req.url
    req.protocol = 'http'
    res.set = (name, value) => res.setHeader(name, value)
    res.send = (status, body) => { if (body !== undefined) res.statusCode = status; res.end(String(body ?? status)) }
    const handler = url.pathname === '/metadata' ? metadata : answer
    handler(req, res, (error) => {
      console.error(error)
      res.statusCode = 400
      res.end(String(error))
    })
  }
}

// bySamlify answers with samlify, which knows our metadata.
function bySamlify(base) {
  const samlify = require('samlify')
  samlify.setSchemaValidator({ validate: () => Promise.resolve('not checked against a schema here') })
  const idp = samlify.IdentityProvider({
    entityID: options.issuer,
    signingCert: options.cert,
    privateKey: options.key,
    isAssertionEncrypted: options.encrypted ?? false,
    dataEncryptionAlgorithm: options.encryption,
    messageSigningOrder: 'encrypt-then-sign',
    wantAuthnRequestsSigned: options.want_signed ?? false,
    nameIDFormat: ['urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'],
    singleSignOnService: [
      { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: `${base}/sso` },
      { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST', Location: `${base}/sso` },
    ],
    loginResponseTemplate: {
      context: samlify.SamlLib.defaultLoginResponseTemplate.context.replace('{AuthnStatement}', '<saml:AuthnStatement AuthnInstant="{IssueInstant}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>'),
      attributes: [{ name: 'displayName', valueTag: 'name', nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string' }],
    },
  })
  const fill = (sp, request) => (template) => {
    const id = `_${crypto.randomUUID()}`
    const now = new Date()
    const end = new Date(now.getTime() + 300_000).toISOString()
    const tags = {
      ID: id, AssertionID: `_${crypto.randomUUID()}`, Destination: options.acs, Audience: options.audience, EntityID: options.audience, SubjectRecipient: options.acs,
      Issuer: options.issuer, IssueInstant: now.toISOString(), StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success',
      ConditionsNotBefore: now.toISOString(), ConditionsNotOnOrAfter: end, SubjectConfirmationDataNotOnOrAfter: end, AssertionConsumerServiceURL: options.acs,
      NameIDFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress', NameID: user.email, InResponseTo: request?.extract?.request?.id ?? '', AuthnStatement: '', attrName: user.name,
    }
    return { id, context: samlify.SamlLib.replaceTagsByValue(template, tags) }
  }
  return async (req, res, url) => {
    if (url.pathname === '/metadata') {
      res.setHeader('Content-Type', 'application/xml')
      return res.end(idp.getMetadata())
    }
    const sp = samlify.ServiceProvider({ metadata: options.sp_metadata })
    const post = req.method === 'POST'
    const body = post ? await read(req) : {}
    const query = Object.fromEntries(url.searchParams)
    // What was signed in the query is what came before the signature, as it was sent.
    const octetString = url.search.slice(1).split('&Signature=')[0]
    const request = await idp.parseLoginRequest(sp, post ? 'post' : 'redirect', { query, body, octetString })
    const response = await idp.createLoginResponse(sp, request, 'post', user, { customTagReplacement: fill(sp, request), relayState: query.RelayState ?? body.RelayState, encryptThenSign: true })
    res.end(form(options.acs, response.context, query.RelayState ?? body.RelayState))
  }
}

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const base = `http://127.0.0.1:${server.address().port}`
  const handle = { samlp: bySamlp, samlify: bySamlify }[options.library](base)
  server.on('request', async (req, res) => {
    try {
      await handle(req, res, new URL(req.url, base))
    } catch (error) {
      console.error(error)
      res.statusCode = 400
      res.end(String(error))
    }
  })
  console.log('READY ' + JSON.stringify({ base, metadata: `${base}/metadata` }))
})
process.stdin.resume().on('end', () => process.exit(0))
