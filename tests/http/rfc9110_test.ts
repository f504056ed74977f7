/** Each rule of docs/rfc9110.md, through a live socket of both kinds. */
import { testRules } from "./_rule_tests.ts";
import { rules } from "./_rfc9110.ts";

testRules("rfc9110.md", rules);
