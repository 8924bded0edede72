// An OpenID provider on loopback. Whoever comes is signed in as the user of the options, and
// consents.
import { createServer } from 'node:http'
import { generateKeyPairSync } from 'node:crypto'
import Provider from 'oidc-provider'

const options = JSON.parse(process.env.IDP_OPTIONS)
const alg = options.alg ?? 'RS256'
const kinds = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
}
// RS256 is there in any case: the provider signs more than what is asked about here.
const keys = [...new Set([alg, 'RS256'])].map((a) => {
  const { privateKey } = generateKeyPairSync(...kinds[a])
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: a === 'EdDSA' ? 'EdDSA' : a, kid: `key-${a}` }
})
const user = { sub: 'user-1', email: 'Mary@example.com', email_verified: true, name: '花子 Mary', preferred_username: 'mary@example.com', groups: ['security', 'all'], ...options.user }

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'yagura',
      client_secret: options.client_secret,
      redirect_uris: options.redirect_uris,
      post_logout_redirect_uris: options.post_logout_redirect_uris ?? [],
      token_endpoint_auth_method: options.token_auth ?? 'client_secret_basic',
      id_token_signed_response_alg: alg,
    }],
    jwks: { keys },
    cookies: { keys: ['a key of the test'] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'], groups: ['groups'] },
    scopes: ['openid', 'offline_access', 'groups'],
    // With true, a token holds little, and the rest is at the userinfo endpoint.
    conformIdTokenClaims: options.thin ?? false,
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    pkce: { required: () => true },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ ...user, sub: id }) }),
    renderError: (ctx, out, error) => {
      console.error(out, error)
      ctx.body = out
    },
  })
  const handle = provider.callback()
  server.on('request', async (req, res) => {
    try {
      if (!req.url.startsWith('/interaction/')) return handle(req, res)
      const { prompt, params, session } = await provider.interactionDetails(req, res)
      if (options.deny) {
        return await provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'the user may not' })
      }
      if (prompt.name === 'login') {
        return await provider.interactionFinished(req, res, { login: { accountId: user.sub, amr: ['pwd', 'otp'] } })
      }
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
      grant.addOIDCScope(params.scope)
      return await provider.interactionFinished(req, res, { consent: { grantId: await grant.save() } })
    } catch (error) {
      console.error(error)
      res.statusCode = 500
      res.end(String(error))
    }
  })
  console.log('READY ' + JSON.stringify({ issuer }))
})
process.stdin.resume().on('end', () => process.exit(0))
