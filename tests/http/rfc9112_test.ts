/** Each rule of docs/rfc9112.md, through a live socket of both kinds. */
import { testRules } from "./_rule_tests.ts";
import { rules } from "./_rfc9112.ts";

testRules("rfc9112.md", rules);
