// A real OpenID provider (oidc-provider) with one client, over https; its own pages take any name and password.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import Provider from "oidc-provider";

const told = JSON.parse(process.argv[2]);
const provider = new Provider(told.issuer, {
  clients: [
    {
      client_id: told.client_id,
      client_secret: told.client_secret,
      redirect_uris: [told.redirect_uri],
      post_logout_redirect_uris: [told.back],
      token_endpoint_auth_method: told.method,
    },
  ],
  cookies: { keys: ["a key of this test"] },
  features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  pkce: { required: () => true },
});
const pem = readFileSync(told.pem);
createServer({ key: pem, cert: pem }, provider.callback()).listen(told.port, "127.0.0.1", () => console.log("ready"));
