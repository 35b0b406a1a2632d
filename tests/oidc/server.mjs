// An OpenID provider over TLS on 127.0.0.1.
//
//   node server.mjs PORT CERTIFICATE KEY KEYS KIDS CLIENT TTL
//
// KEYS is a file of private signing keys, which gets those of KIDS (`a,b`) that it does not have; the first signs. CLIENT is
// the public key of the agents, who authenticate by `private_key_jwt`. Tokens live for TTL seconds. Prints the issuer's name when it listens.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const [port, certificate, key, keysFile, kids, clientKey, ttl] = process.argv.slice(2);

const known = existsSync(keysFile) ? JSON.parse(readFileSync(keysFile, 'utf8')) : {};
for (const kid of kids.split(',')) {
  if (known[kid]) continue;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  known[kid] = { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
}
writeFileSync(keysFile, JSON.stringify(known), { mode: 0o600 });

const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
await new Promise((done) => server.listen(Number(port), '127.0.0.1', done));
const issuer = `https://127.0.0.1:${server.address().port}`;

const client = (id) => ({
  client_id: id,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'private_key_jwt',
  token_endpoint_auth_signing_alg: 'ES256',
  id_token_signed_response_alg: 'ES256',
  jwks: { keys: [JSON.parse(readFileSync(clientKey, 'utf8'))] },
});

const provider = new Provider(issuer, {
  jwks: { keys: kids.split(',').map((kid) => known[kid]) },
  clients: [client('report-bot')],
  features: {
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope: 'crypto:hash:- crypto:random:- crypto:sign:reports/**',
        audience: resource,
        accessTokenTTL: Number(ttl),
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});
server.on('request', provider.callback());
console.log(issuer);
