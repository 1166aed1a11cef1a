import { describe, expect, it } from "vitest";
import { parseRoute, routeToHash, type Route } from "./route.ts";

describe("routes", () => {
    const routes: Route[] = [
        { page: "home" },
        { page: "room", roomId: "!abc/+def:amt.example" },
        { page: "invite", token: "a b/c" },
        { page: "settings" },
    ];
    it.each(routes)("survives the way through the address: $page", (route) => {
        expect(parseRoute(routeToHash(route))).toEqual(route);
    });

    it("leads home from nonsense", () => {
        expect(parseRoute("#/room/")).toEqual({ page: "home" });
        expect(parseRoute("#/room/%E0%A4%A")).toEqual({ page: "home" });
        expect(parseRoute("")).toEqual({ page: "home" });
    });
});
