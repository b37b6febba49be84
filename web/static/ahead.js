// What nearly every page needs first is asked for while most of its modules are still on their way: this one and the few that
// it imports come before them. The answers are where the page looks for them anyway, and it asks again for one that failed.

import { resultsOf } from "./results.js";
import { Server } from "./server.js";
import { isTimeline, read } from "./state.js";
import { loadWords } from "./words.js";

const state = read(location.search);
if (isTimeline(state)) resultsOf(state).lookAhead?.(history.state?.place);
Server.lookAhead();
loadWords().catch(() => {});
