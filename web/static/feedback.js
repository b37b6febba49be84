// What one says of answers: images show what was searched, or do not.

import { feedback, giveFeedback } from "./api.js";
import { explain } from "./errors.js";
import { toast } from "./toast.js";
import { t } from "./words.js";

/** @type {(text: string, ids: number[], match: boolean) => Promise<void>} */
export async function sayMatch(text, ids, match) {
  await giveFeedback(text, match ? "right" : "wrong", ids);
  toast(t(match ? "feedbackRightNow" : "feedbackWrongNow", { n: ids.length }));
}

/// Forgets which answers to a text were said to be wrong, so that they are found again.
/** @type {(text: string) => Promise<void>} */
export async function forgive(text) {
  try {
    const { wrong } = await feedback(text);
    await giveFeedback(text, "unsaid", wrong);
    toast(t("unhidden", { n: wrong.length }));
  } catch (error) {
    toast(explain(error));
  }
}
