// @azure/arm-authorization: what the caller may do, where, and by which roles.
import assert from "node:assert/strict";
import test from "node:test";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { id, signIn, subscription, world } from "./world.js";

const { group } = id(world.deployments[0].gatewayId);
const client = () => new AuthorizationManagementClient(signIn(), subscription);

async function all(pages) {
  const list = [];
  for await (const item of pages) list.push(item);
  return list;
}

test("the caller's permissions on the group", async () => {
  const permissions = await all(client().permissions.listForResourceGroup(group));
  assert.ok(permissions.some((p) => p.actions.includes("*")), "the Contributor's actions are not there");
  assert.ok(permissions.every((p) => Array.isArray(p.notActions)));
});

test("the role assignments that hold on the group, and what their roles allow", async () => {
  const filter = `atScope() and assignedTo('${world.client.objectId}')`;
  const assignments = await all(client().roleAssignments.listForResourceGroup(group, { filter }));
  assert.ok(assignments.length >= 2, `${assignments.length} assignments, want Reader and Contributor`);
  const names = [];
  for (const assignment of assignments) {
    assert.equal(assignment.principalId, world.client.objectId);
    names.push((await client().roleDefinitions.getById(assignment.roleDefinitionId)).roleName);
  }
  assert.deepEqual([...new Set(names)].sort(), ["Contributor", "Reader"]);
});

test("deny assignments can be listed", async () => {
  assert.deepEqual(await all(client().denyAssignments.listForResourceGroup(group)), []);
});
