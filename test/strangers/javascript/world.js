// What a client needs to find its way in the world: all of it comes from the
// environment and from world.json, as `cartouche sim` writes them.
import { readFileSync } from "node:fs";
import { ClientSecretCredential } from "@azure/identity";

export const world = JSON.parse(readFileSync(process.env.WORLD_JSON, "utf8"));

export const subscription = process.env.AZURE_SUBSCRIPTION_ID;

// id takes a resource id apart: group and name are what the SDKs ask for.
export function id(resource) {
  const parts = resource.split("/");
  return { group: parts[4], name: parts[parts.length - 1] };
}

export function signIn(secret = process.env.AZURE_CLIENT_SECRET) {
  return new ClientSecretCredential(process.env.AZURE_TENANT_ID, process.env.AZURE_CLIENT_ID, secret);
}
