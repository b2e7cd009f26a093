// A real OpenID Connect provider for the tests. Its pages ask for a name and no password.
// Arguments: the folder with node_modules, and a JSON file of settings. Prints a line once it listens.
import { createServer } from "node:http";
import { generateKeyPair, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const [folder, file] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));
const told = JSON.parse(readFileSync(file, "utf-8"));
const makePair = promisify(generateKeyPair);

async function keys() {
  const { privateKey } = told.algorithm === "ES256"
    ? await makePair("ec", { namedCurve: "P-256" })
    : await makePair("rsa", { modulusLength: 2048 });
  return { keys: [{ ...privateKey.export({ format: "jwk" }), use: "sig", alg: told.algorithm, kid: randomBytes(6).toString("hex") }] };
}

function provider(jwks) {
  const one = new Provider(told.issuer, {
    clients: [{
      client_id: told.client_id,
      client_secret: told.secret,
      redirect_uris: [`${told.gate}/sign-in/back`],
      response_types: ["code"],
      grant_types: ["authorization_code"],
      id_token_signed_response_alg: told.algorithm,
      token_endpoint_auth_method: told.auth_method,
      backchannel_logout_uri: `${told.gate}/oidc/backchannel-logout`,
      backchannel_logout_session_required: told.by_session,
    }],
    jwks,
    cookies: { keys: [randomBytes(16).toString("hex")] },
    pkce: { required: () => true, methods: ["S256"] },
    acrValues: ["urn:example:two-factors"],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["preferred_username", "nationality"], acr: null, amr: null, sid: null, auth_time: null, iss: null },
    conformIdTokenClaims: told.lean,
    features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true }, claimsParameter: { enabled: true }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => ({
        sub: id, email: `${id}@meridian.example`, email_verified: !id.startsWith("un"), preferred_username: id.toUpperCase(), nationality: "XX",
      }),
    }),
    // Nobody is asked whether the gate may know who they are.
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
    ttl: { Session: 3600, Grant: 3600, AccessToken: 600, IdToken: 600, Interaction: 600 },
  });
  return one;
}

let running = provider(await keys());

async function login(request, response) {
  const details = await running.interactionDetails(request, response);
  if (request.method === "GET") {
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>Provider</title><main><h1>Who are you?</h1>
      <form method="post"><input name="login"><input name="amr" value="pwd"><button>Go on</button></form></main>`);
    return;
  }
  let body = "";
  for await (const part of request) body += part;
  const form = new URLSearchParams(body);
  const asked = details.params.acr_values;
  const result = form.get("login") === "nobody"
    ? { error: "access_denied" }
    : { login: { accountId: form.get("login"), amr: form.get("amr").split(" "), ...(asked && !form.get("weak") ? { acr: asked.split(" ")[0] } : {}) } };
  await running.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const server = createServer(async (request, response) => {
  try {
    if (request.url === "/control/rotate") {
      running = provider(await keys());
      response.end("rotated\n");
    } else if (request.url.startsWith("/interaction/")) {
      await login(request, response);
    } else {
      await running.callback()(request, response);
    }
  } catch (error) {
    response.statusCode = 500;
    response.end(`${error.message}\n`);
  }
});
server.listen(told.port, "127.0.0.1", () => console.log("listening"));
