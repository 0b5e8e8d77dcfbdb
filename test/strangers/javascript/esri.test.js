// @esri/arcgis-rest-request, Esri's own client: sign in at Portal, who am I, a
// token for a federated server, and one of the server's own administrators.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import test, { after } from "node:test";
import { ArcGISIdentityManager, request } from "@esri/arcgis-rest-request";
import { EnvHttpProxyAgent, setGlobalDispatcher } from "undici";
import { world } from "./world.js";

// The client takes Node's own fetch, which reads the proxy of the environment
// when it is told to.
setGlobalDispatcher(new EnvHttpProxyAgent());

// What goes over the wire is written down for a test in Go, which compares it
// with a golden file and sends it again without this client.
const exchanges = [];
const fetched = globalThis.fetch;
globalThis.fetch = async (url, options = {}) => {
  const answer = await fetched(url, options);
  exchanges.push({
    method: options.method ?? "GET",
    url: String(url),
    referer: new Headers(options.headers).get("referer") ?? "",
    body: String(options.body ?? ""),
    status: answer.status,
    answer: await answer.clone().text(),
  });
  return answer;
};
after(() => {
  if (process.env.ESRI_EXCHANGES) writeFileSync(process.env.ESRI_EXCHANGES, JSON.stringify(exchanges), { mode: 0o600 });
});

const site = `https://${world.deployments[0].domain}`;
const portal = `${site}/portal/sharing/rest`;
const username = process.env.CARTOUCHE_SITE_ADMIN;
const password = process.env.CARTOUCHE_SITE_ADMIN_PASSWORD;

test("a person signs in at Portal and is known", async () => {
  const manager = await ArcGISIdentityManager.signIn({ username, password, portal });
  const user = await manager.getUser();
  assert.equal(user.username, username);
  assert.equal(user.role, "org_admin");
  assert.ok(manager.token, "no token");
  assert.ok(manager.tokenExpires > new Date(), "the token has expired already");
});

test("a wrong password is refused with Portal's own words", async () => {
  await assert.rejects(
    ArcGISIdentityManager.signIn({ username, password: "not-the-password", portal }),
    (error) => {
      assert.match(`${error.message} ${JSON.stringify(error.originalMessage ?? "")}`, /Unable to generate token|Invalid username or password/);
      return true;
    },
  );
});

test("a federated server takes a token of its portal", async () => {
  const manager = await ArcGISIdentityManager.signIn({ username, password, portal });
  const services = `${site}/server/rest/services`;
  const token = await manager.getToken(services);
  assert.ok(token, "no token for the server");
  assert.notEqual(token, manager.token, "Portal's own token is not the server's");
  const answer = await request(services, { authentication: manager });
  assert.ok(answer.currentVersion, "the server does not tell its version");
});

test("the server gives a token to its own administrator", async () => {
  const referer = "https://strangers.example";
  const answer = await request(`${site}/server/admin/generateToken`, { params: { username, password, client: "referer", referer, expiration: 5 } });
  assert.ok(answer.token, "no token");
  assert.ok(Number(answer.expires) > Date.now(), "it has expired");
  const machines = await request(`${site}/server/admin/machines`, { params: { token: answer.token }, headers: { referer } });
  assert.ok(machines.machines.length > 0);
  await assert.rejects(request(`${site}/server/admin/machines`, { params: { token: answer.token }, headers: { referer: "https://another.example" } }), /498/);
});
