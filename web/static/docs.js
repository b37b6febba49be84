// Shows the description of the API as a page.

import { $, h } from "./dom.js";

/**
 * The description of the API, as far as the page shows it.
 *
 * @typedef {object} Schema
 * @property {string} [$ref]
 * @property {Schema[]} [oneOf]
 * @property {Schema[]} [anyOf]
 * @property {Schema[]} [allOf]
 * @property {string[]} [enum]
 * @property {string | string[]} [type]
 * @property {Schema} [items]
 * @property {Record<string, Schema>} [properties]
 * @property {string[]} [required]
 * @property {string} [description]
 *
 * @typedef {Record<string, { schema?: Schema, example?: unknown }>} Content
 * @typedef {{ name: string, in: string, schema: Schema, required: boolean, description?: string, example?: string }} Parameter
 *
 * @typedef {object} Operation
 * @property {string} summary
 * @property {string} [description]
 * @property {Parameter[]} [parameters]
 * @property {{ content?: Content }} [requestBody]
 * @property {Record<string, { content?: Content, description?: string }>} responses
 *
 * @typedef {object} Description
 * @property {{ description: string }} info
 * @property {{ url: string }[]} servers
 * @property {Record<string, Record<string, Operation>>} paths
 * @property {{ schemas: Record<string, Schema> }} components
 */

/** @type {Description} */
const description = await fetch(new URL("../api/v1/openapi.json", import.meta.url)).then((answer) => answer.json());
const base = description.servers[0].url;
/** @type {(text: string) => string} */
const anchor = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
/** @type {(reference: string) => string} */
const nameOf = (reference) => reference.split("/").at(-1) ?? "";

/// A type in a few words, with links to the named ones.
/** @type {(schema: Schema | undefined) => HTMLElement | string} */
function kind(schema) {
  if (!schema) return "";
  if (schema.$ref) return h("a", { href: `#type-${nameOf(schema.$ref)}` }, nameOf(schema.$ref));
  const choices = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (choices) return h("span", {}, choices.filter(({ type }) => type !== "null").flatMap((choice, i) => (i ? [" or ", kind(choice)] : [kind(choice)])));
  if (schema.enum) return schema.enum.map((value) => `"${value}"`).join(" | ");
  const types = [schema.type].flat().filter((type) => type && type !== "null");
  if (types.includes("array")) return h("span", {}, "array of ", kind(schema.items));
  const values = Object.entries(schema);
  const bounds = ["minimum", "maximum", "maxItems", "maxLength"].flatMap((key) => values.filter(([name]) => name === key).map(([, value]) => `${key} ${value}`));
  return [types.join(" or "), ...bounds].join(", ");
}

/** @type {(name: string, type: Page.Child, required: boolean | undefined, text?: string) => HTMLElement} */
const row = (name, type, required, text) =>
  h("tr", {}, h("td", {}, h("code", {}, name), required ? h("span", { class: "must" }, " required") : ""), h("td", {}, type), h("td", {}, text ?? ""));
/** @type {(title: string, rows: HTMLElement[]) => HTMLElement | ""} */
const table = (title, rows) =>
  rows.length ? h("table", {}, h("caption", {}, title), h("thead", {}, h("tr", {}, ["Name", "Type", "Meaning"].map((text) => h("th", { scope: "col" }, text)))), h("tbody", {}, rows)) : "";

/// A command that asks for an operation, with the values that the description gives as examples.
/** @type {(path: string, method: string, parameters: Parameter[], body: { content?: Content } | undefined) => string} */
function curl(path, method, parameters, requestBody) {
  const [media, { example } = {}] = Object.entries(requestBody?.content ?? {})[0] ?? [];
  const given = parameters.flatMap(({ in: place, name, example }) => (place === "query" && example !== undefined ? [`${name}=${encodeURIComponent(example)}`] : []));
  const query = given.join("&");
  const address = `${base}${path.replace("{id}", "17")}${query ? `?${query}` : ""}`;
  const body = !media ? [] : media === "application/json" ? [`--json '${JSON.stringify(example)}'`] : [`-H 'Content-Type: ${media.replace("*", "jpeg")}'`, "--data-binary @image.jpg"];
  return ["curl", ...(method === "post" && !media ? ["-X POST"] : []), ...body, `'${address}'`].join(" ");
}

/** @type {(path: string, method: string, what: Operation) => HTMLElement} */
function operation(path, method, { summary, description: text, parameters = [], requestBody, responses }) {
  const id = anchor(`${method} ${path}`);
  const body = Object.entries(requestBody?.content ?? {}).map(([media, { schema }]) => h("p", {}, "Body: ", kind(schema), ` (${media})`));
  const answers = Object.entries(responses).map(([status, { content = {}, description: what = "" }]) => {
    const [media, { schema } = {}] = Object.entries(content)[0] ?? [];
    return h("li", {}, h("code", {}, status === "default" ? "error" : status), " ", media ? kind(schema) : "", media && media !== "application/json" ? ` (${media})` : "", what && ` – ${what}`);
  });
  $("list").append(h("li", {}, h("a", { href: `#${id}` }, h("code", { class: method }, method.toUpperCase()), ` ${path}`), h("span", { class: "soft" }, ` ${summary}`)));
  return h("section", { id }, h("h2", {}, h("code", { class: method }, method.toUpperCase()), ` ${path}`), h("p", {}, h("strong", {}, summary)),
    text ? h("p", {}, text) : "",
    table("Parameters", parameters.map(({ name, in: place, schema, required, description: what }) => row(place === "path" ? `{${name}}` : name, kind(schema), required, what))),
    body, h("pre", {}, h("code", {}, curl(path, method, parameters, requestBody))), h("p", {}, "Answers:"), h("ul", { class: "answers" }, answers));
}

/// Everything that a type has, its parts included.
/** @type {(schema: Schema) => HTMLElement[]} */
function fieldsOf(schema) {
  const parts = (schema.allOf ?? []).flatMap((part) => fieldsOf(part.$ref ? description.components.schemas[nameOf(part.$ref)] : part));
  const own = Object.entries(schema.properties ?? {});
  return [...parts, ...own.map(([name, field]) => row(name, kind(field), schema.required?.includes(name), field.description))];
}

$("about").append(...description.info.description.split("\n\n").map((text) => h("p", {}, text.replaceAll("`", ""))));
for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, what] of Object.entries(methods)) $("operations").append(operation(path, method, what));
}
for (const [name, schema] of Object.entries(description.components.schemas)) {
  const fields = fieldsOf(schema);
  const text = schema.description ? h("p", {}, schema.description) : "";
  $("schemas").append(h("section", { id: `type-${name}` }, h("h3", {}, name), text, fields.length ? table("Fields", fields) : h("p", {}, kind(schema))));
}
if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
