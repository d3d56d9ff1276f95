// Receive a webhook in Node.js: check the Ed25519 signature on the raw body, answer the challenge. Nothing to install.
import { createPublicKey, verify } from "node:crypto";

const SPKI = Buffer.from("302a300506032b6570032100", "hex"); // what Node wants before the 32 bytes of a key

/** `publicKey` is the `whpk_…` of your endpoint, which anybody may see; header names in small letters, as Node has them. */
export function isGenuine(headers, body, publicKey) {
  const sentAt = headers["webhook-timestamp"] ?? "";
  if (!/^[0-9]{1,12}$/.test(sentAt) || Math.abs(Date.now() / 1000 - Number(sentAt)) > 300) return false;
  const raw = Buffer.from(publicKey.slice("whpk_".length), "base64");
  const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: "der", type: "spki" });
  const signed = Buffer.concat([Buffer.from(`${headers["webhook-id"] ?? ""}.${sentAt}.`), body]);
  const given = (headers["webhook-signature"] ?? "").split(" ").filter((one) => one.startsWith("v1a,"));
  return given.slice(0, 8).some((one) => verify(null, signed, key, Buffer.from(one.slice(4), "base64")));
}

/** Status and body of your answer. `store` keeps the event under its id, since it may come more than once. */
export function receive(headers, body, publicKey, store) {
  if (!isGenuine(headers, body, publicKey)) return [401, ""];
  const event = JSON.parse(body);
  if (event.type === "endpoint.verification") return [200, JSON.stringify({ challenge: event.data.challenge })];
  store(headers["webhook-id"], body); // answer at once, work on it later
  return [204, ""];
}
