// Questions to the server. A failed one throws an ApiError with the server's own message and hint.

import { words } from "./words.js";

export class ApiError extends Error {
  constructor({ code, message, hint }) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

async function get(path, params, signal) {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== undefined && value !== ""));
  let response;
  try {
    response = await fetch(`/api/v1/${path}?${query}`, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({ code: "offline", message: words.offline });
  }
  const body = await response.json();
  if (!response.ok) throw new ApiError(body);
  return body;
}

export const search = (params, signal) => get("search", params, signal);
export const stats = () => get("stats", {});
export const image = (id) => get(`images/${id}`, {});

/// The address of a thumbnail; with its content hash, so that browsers may keep it.
export const thumbnail = (image, size) => `/api/v1/images/${image.id}/thumbnail?size=${size}&v=${image.content}`;
export const original = (image) => `/api/v1/images/${image.id}/original`;
