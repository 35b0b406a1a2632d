// An agent that gets an access token of its own.
//
//   node agent.mjs key FILE                          makes its key, prints the public half
//   node agent.mjs token FILE ISSUER RESOURCE SCOPES [dpop]
//
// Prints JSON: `token`, and with `dpop` also `proof`, made for posting the token to RESOURCE.
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { SignJWT, exportJWK, generateKeyPair, importJWK } from 'jose';

const [verb, file, issuer, resource, scope, dpop] = process.argv.slice(2);

if (verb === 'key') {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(privateKey)), kid: 'agent', alg: 'ES256', use: 'sig' };
  writeFileSync(file, JSON.stringify(jwk), { mode: 0o600 });
  console.log(JSON.stringify(publicHalf(jwk)));
} else {
  const jwk = JSON.parse(readFileSync(file, 'utf8'));
  const key = await importJWK(jwk, 'ES256');
  const endpoint = `${issuer}/token`;
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256', kid: 'agent' })
    .setIssuer('report-bot')
    .setSubject('report-bot')
    .setAudience(issuer)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime('60s')
    .sign(key);
  const prove = (claims) =>
    new SignJWT({ htm: 'POST', ...claims })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y } })
      .setJti(randomUUID())
      .setIssuedAt()
      .sign(key);
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(dpop ? { dpop: await prove({ htu: endpoint }) } : {}),
    },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      resource,
      scope,
    }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(JSON.stringify(answer));
  const token = answer.access_token;
  const ath = createHash('sha256').update(token).digest('base64url');
  console.log(JSON.stringify({ token, ...(dpop ? { proof: await prove({ htu: resource, ath }) } : {}) }));
}

function publicHalf({ kty, crv, x, y, kid, alg, use }) {
  return { kty, crv, x, y, kid, alg, use };
}
