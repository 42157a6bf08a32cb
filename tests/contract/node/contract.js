// The openai SDK for Node.js against the appliance: node contract.js BASE_URL KEY CHAT_MODEL EMBED_MODEL
// Prints one JSON line per check; the first that fails ends the run with code 1.
import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey, model, embedder] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 120_000 });
const messages = [{ role: "user", content: "What is the capital of Germany?" }];
const parameters = {
  type: "object",
  properties: { city: { type: "string", maxLength: 30 }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
const tools = [{ type: "function", function: { name: "get_weather", description: "Weather of a city", parameters } }];

function fits(text) {
  const value = JSON.parse(text);
  assert.deepEqual(Object.keys(value).sort(), ["city", "unit"]);
  assert.equal(typeof value.city, "string");
  assert.ok(["celsius", "fahrenheit"].includes(value.unit));
}

const checks = {
  async models() {
    const ids = [];
    for await (const found of client.models.list()) ids.push(found.id);
    assert.ok(ids.includes(model));
    assert.equal((await client.models.retrieve(model)).object, "model");
  },
  async plain() {
    const reply = await client.chat.completions.create({ model, messages, max_tokens: 20, temperature: 0 });
    assert.match(reply.choices[0].message.content, /Berlin/);
    assert.equal(reply.usage.total_tokens, reply.usage.prompt_tokens + reply.usage.completion_tokens);
  },
  async streamed() {
    const body = { model, messages, max_tokens: 20, temperature: 0, stream_options: { include_usage: true } };
    let text = "";
    let usage = null;
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
      text += chunk.choices[0]?.delta?.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.match(text, /Berlin/);
    assert.ok(usage.completion_tokens > 0);
    const whole = await client.chat.completions.stream(body).finalChatCompletion();
    assert.equal(whole.choices[0].message.content, text);
  },
  async forced_tool() {
    const body = { model, messages, tools, max_tokens: 200 };
    const reply = await client.chat.completions.create({ ...body, tool_choice: "required" });
    for (const call of reply.choices[0].message.tool_calls) fits(call.function.arguments);
    assert.equal(reply.choices[0].finish_reason, "tool_calls");
    const named = { type: "function", function: { name: "get_weather" } };
    const streamed = await client.chat.completions.stream({ ...body, tool_choice: named }).finalChatCompletion();
    fits(streamed.choices[0].message.tool_calls[0].function.arguments);
  },
  async schema() {
    const response_format = { type: "json_schema", json_schema: { name: "weather", strict: true, schema: parameters } };
    const reply = await client.chat.completions.parse({ model, messages, response_format, max_tokens: 200 });
    fits(JSON.stringify(reply.choices[0].message.parsed));
  },
  async embeddings() {
    const reply = await client.embeddings.create({ model: embedder, input: ["query: one", "query: two"] });
    assert.equal(reply.data.length, 2);
    assert.equal(reply.data[0].embedding.length, 384);
    const plain = await client.embeddings.create({ model: embedder, input: "query: one", encoding_format: "float" });
    assert.ok(Math.abs(plain.data[0].embedding[5] - reply.data[0].embedding[5]) < 1e-4);
  },
  async errors() {
    const ask = (more) => client.chat.completions.create({ model, messages, ...more });
    await assert.rejects(ask({ model: "nothing" }), (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
    await assert.rejects(ask({ n: 99 }), (e) => e instanceof OpenAI.BadRequestError && e.param === "n");
    const stranger = new OpenAI({ baseURL, apiKey: "pma_wrong", maxRetries: 0 });
    await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(JSON.stringify({ check: name, passed: true }));
}
