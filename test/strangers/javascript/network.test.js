// @azure/identity and @azure/arm-network: sign in, read the gateway, write it,
// wait with the SDK's own poller, ask for the health of the backends.
import assert from "node:assert/strict";
import test from "node:test";
import { NetworkManagementClient } from "@azure/arm-network";
import { id, signIn, subscription, world } from "./world.js";

const { group, name } = id(world.deployments[0].gatewayId);
const client = () => new NetworkManagementClient(signIn(), subscription);

test("a wrong secret is refused with Entra's own code", async () => {
  const wrong = new NetworkManagementClient(signIn("not-the-secret"), subscription);
  await assert.rejects(wrong.applicationGateways.get(group, name), /AADSTS7000215/);
});

test("the gateway can be listed and read", async () => {
  const names = [];
  for await (const gateway of client().applicationGateways.listAll()) names.push(gateway.name);
  assert.ok(names.includes(name), `${name} is not among ${names}`);
  const gateway = await client().applicationGateways.get(group, name);
  assert.equal(gateway.provisioningState, "Succeeded");
  assert.ok(gateway.sslCertificates[0].publicCertData, "the certificate's public part is not shown");
  assert.equal(gateway.sslCertificates[0].data, undefined);
});

test("a write is carried out, and keeps the certificate that comes without data", async () => {
  const before = await client().applicationGateways.get(group, name);
  const after = await client().applicationGateways.beginCreateOrUpdateAndWait(group, name, {
    ...before,
    tags: { ...before.tags, "written-by": "a stranger" },
  });
  assert.equal(after.tags["written-by"], "a stranger");
  assert.equal(after.provisioningState, "Succeeded");
  assert.notEqual(after.etag, before.etag);
  assert.equal(after.sslCertificates[0].publicCertData, before.sslCertificates[0].publicCertData);
});

test("the health of the backends is fetched from its location", async () => {
  const health = await client().applicationGateways.beginBackendHealthAndWait(group, name);
  assert.ok(health.backendAddressPools.length > 0);
});
