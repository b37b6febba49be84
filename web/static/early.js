// What nearly every visit asks first, asked before the first module is there. Not a module: those come too late. Who asks the same
// again gets this answer, once; for an answer that failed it is as if nobody had asked.

{
  /// Languages that there are words for, as `words.js` has them.
  const LANGUAGES = ["en", "ar", "de", "es", "fr", "he", "it", "ja", "ko", "pt", "ru", "tr", "zh"];
  const wanted = [localStorage.getItem("glimpse.language") ?? "", ...navigator.languages].map((name) => name.split("-")[0]);
  const language = wanted.find((name) => LANGUAGES.includes(name)) ?? "en";

  /// Answers on their way, by what they answer.
  /** @type {Map<string, Promise<Response | null>>} */
  const answers = new Map();
  /// Asks; whoever waits for the answer gets it after `then` has seen it.
  /** @type {(method: string, path: string, body?: string, then?: (answer: Response) => unknown) => void} */
  const ask = (method, path, body = "", then) => {
    const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
    const answer = fetch(path, { method, headers, ...(body && { body }) }).then(async (answer) => {
      if (!answer.ok) return null;
      await then?.(answer.clone());
      return answer;
    });
    answers.set(`${method} ${path} ${body}`, answer.catch(() => null));
  };

  ask("GET", `static/words/${language}.json`);
  ask("GET", "api/v1/health");
  // The whole library, from its newest images: as `Timeline` asks for it.
  if (!location.search && !history.state?.place) {
    const filter = { folders: [], cameras: [], formats: [] };
    ask("POST", "api/v1/timeline", JSON.stringify({ filter }), async (answer) => {
      const { months: [first] } = await answer.json();
      if (first) ask("POST", "api/v1/timeline/tiles", JSON.stringify({ filter, month: first.month }));
    });
  }

  globalThis.early = (method, path, body = "") => {
    const key = `${method} ${path} ${body}`;
    const answer = answers.get(key);
    answers.delete(key);
    return answer;
  };
}
