// @azure/keyvault-certificates and @azure/keyvault-secrets: the challenge, import,
// versions, tags, the PFX behind a certificate, delete and recover, and the ways
// in which a vault refuses.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { CertificateClient } from "@azure/keyvault-certificates";
import { SecretClient } from "@azure/keyvault-secrets";
import { signIn, world } from "./world.js";

const uri = (vault) => `https://${vault}.vault.azure.net`;
const certificates = (vault) => new CertificateClient(uri(vault), signIn());
const secrets = (vault) => new SecretClient(uri(vault), signIn());
const pfx = readFileSync(world.new.pfx);
const password = readFileSync(world.new.passwordFile, "utf8").trimEnd();

async function names(pages) {
  const list = [];
  for await (const item of pages) list.push(item.name ?? item.version);
  return list;
}

test("what is in a vault is listed, and a certificate tells its leaf", async () => {
  const listed = await names(certificates("entvault").listPropertiesOfCertificates());
  assert.ok(listed.includes("maps") && listed.includes("maps-expired"), `listed: ${listed}`);
  assert.ok(!listed.includes("maps-gone"), "a deleted certificate is in the list");
  const maps = await certificates("entvault").getCertificate("maps");
  assert.equal(maps.policy.contentType, "application/x-pkcs12");
  assert.equal(maps.properties.tags["cost-centre"], "4711");
  assert.ok(maps.cer.length > 300 && maps.properties.x509Thumbprint.length === 20);
  assert.ok(maps.secretId.startsWith(`${uri("entvault")}/secrets/maps/`), maps.secretId);
});

test("a file is imported, again as a new version, deleted and recovered", async () => {
  const client = certificates("oldvault");
  const first = await client.importCertificate("stranger", pfx, { password, tags: { by: "a stranger" } });
  assert.equal(first.properties.tags.by, "a stranger");
  const second = await client.importCertificate("stranger", pfx, { password });
  assert.notEqual(first.properties.version, second.properties.version);
  assert.equal((await names(client.listPropertiesOfCertificateVersions("stranger"))).length, 2);

  await client.updateCertificateProperties("stranger", first.properties.version, { enabled: false });
  const disabled = await client.getCertificateVersion("stranger", first.properties.version);
  assert.equal(disabled.properties.enabled, false);

  const secret = await secrets("oldvault").getSecret("stranger");
  assert.equal(secret.properties.contentType, "application/x-pkcs12");
  assert.ok(Buffer.from(secret.value, "base64").length > 1000);

  const deleted = await (await client.beginDeleteCertificate("stranger", { intervalInMs: 50 })).pollUntilDone();
  assert.ok(deleted.recoveryId.includes("/deletedcertificates/stranger"), deleted.recoveryId);
  await assert.rejects(client.getCertificate("stranger"), (e) => e.statusCode === 404 && e.code === "CertificateNotFound");
  await assert.rejects(client.importCertificate("stranger", pfx, { password }), (e) => e.statusCode === 409);
  const recovered = await (await client.beginRecoverDeletedCertificate("stranger", { intervalInMs: 50 })).pollUntilDone();
  assert.equal(recovered.name, "stranger");
});

test("a wrong password of a file is refused", async () => {
  await assert.rejects(certificates("oldvault").importCertificate("bad", pfx, { password: "wrong" }), (e) => e.statusCode === 400 && e.code === "BadParameter");
});

test("a firewall and a missing role each say what they are", async () => {
  await assert.rejects(certificates("shutvault").getCertificate("maps"), (e) => e.statusCode === 403 && /ForbiddenByFirewall/.test(JSON.stringify(e.details ?? e)));
  await assert.rejects(certificates("othersvault").getCertificate("maps"), (e) => e.statusCode === 403 && /ForbiddenByRbac/.test(JSON.stringify(e.details ?? e)));
});
