import { describe, expect, test } from "bun:test";
import { isExecuteApi, signPost } from "../../src/aws/signed-post.ts";
import { useAws } from "../support/moto.ts";
import { checkSignature } from "../support/signature.ts";

const URL_OF_API = "https://a1b2c3.execute-api.us-west-2.amazonaws.com/prod/trigger";
const ID = "AKIAIOSFODNN7EXAMPLE";
const BODY = "{}";

/** What the API says of a request with these headers; null: it lets it in. */
async function judge(headers: Readonly<Record<string, string>>, secret: string, body = BODY) {
  const request = new Request(URL_OF_API, { method: "POST", headers, body });
  const key = { id: ID, secret, region: "us-west-2" };
  const answer = checkSignature(request, new TextEncoder().encode(body), key);
  return answer === null ? null : await answer.json();
}

describe("a signed POST", () => {
  test("is let in by another implementation of the signature, in the region that the host names", async () => {
    using _environment = useAws("http://127.0.0.1:9", { AWS_REGION: "eu-central-1" });
    const headers = await signPost(URL_OF_API, BODY);
    expect(headers["authorization"]).toContain("/us-west-2/execute-api/aws4_request");
    expect(await judge(headers, "secret")).toBeNull();
    expect(await judge(headers, "another")).toHaveProperty("message");
    expect(await judge(headers, "secret", '{"more":1}')).toHaveProperty("message");
  });

  test("carries the token of a role's credentials", async () => {
    using _environment = useAws("http://127.0.0.1:9", { AWS_SESSION_TOKEN: "of a role" });
    const headers = await signPost(URL_OF_API, BODY);
    expect(headers["x-amz-security-token"]).toBe("of a role");
    expect(headers["authorization"]).toMatch(/SignedHeaders=[^,]*x-amz-security-token/);
    expect(await judge(headers, "secret")).toBeNull();
  });

  test("needs credentials, and says so", async () => {
    using _environment = useAws("http://127.0.0.1:9", {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
    });
    expect(signPost(URL_OF_API, BODY)).rejects.toMatchObject({
      code: "configuration",
      message: expect.stringMatching(/cannot be called: .*credentials.*AWS_PROFILE/),
    });
  });
});

test.each([
  [URL_OF_API, true],
  ["https://a1.execute-api.cn-north-1.amazonaws.com.cn/prod/trigger", true],
  ["https://reports.example.com/trigger", false],
  ["http://127.0.0.1:8080/trigger", false],
  ["https://a1.execute-api.us-west-2.amazonaws.com.example.com/prod/trigger", false],
])("%s is an API of API Gateway: %p", (url, expected) => {
  expect(isExecuteApi(url)).toBe(expected);
});
