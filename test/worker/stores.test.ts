import { expect, test } from "bun:test";
import { linkReason } from "../../src/report/message.ts";
import { joinStores } from "../../src/worker/stores.ts";
import { anArtifact } from "../support/factories.ts";
import { createStore } from "../support/fakes.ts";

const STAGED = "snowflake://D.S.STAGE/r/f1-x/r.csv";

test("a file is read and linked where it is", async () => {
  const store = createStore();
  store.files.set("memory://a", new Uint8Array([1]));
  const joined = joinStores(store, {
    read: (uri) => Promise.resolve(new TextEncoder().encode(uri)),
    link: (uri) => Promise.resolve(`https://signed.example/${uri}`),
  });
  expect(await joined.read("memory://a")).toEqual(new Uint8Array([1]));
  expect(new TextDecoder().decode(await joined.read(STAGED))).toBe(STAGED);
  expect(await joined.link(anArtifact({ uri: STAGED }))).toBe(`https://signed.example/${STAGED}`);
  expect(await joined.link(anArtifact({ uri: "memory://a" }))).toStartWith(
    "https://files.example/",
  );
});

test("a link to a staged file says how long it is good for", () => {
  expect(linkReason(anArtifact({ uri: STAGED }), 0)).toContain("7 days");
  expect(linkReason(anArtifact({ uri: STAGED }), 1_000)).toContain("7 days");
  expect(linkReason(anArtifact({ uri: "s3://bucket/a" }), 1_000)).not.toContain("7 days");
});
