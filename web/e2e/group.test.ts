// A room of several people who join one after the other and write at once: everybody reads everybody.
import { scenario } from "./lab.ts";
import type { Person } from "./person.ts";

scenario("four people join a room and all of them read all of it", async ({ server, open }) => {
    const anna = await open();
    await anna.accept(await server.oneTimeLink(), "Anna Albrecht");
    const others: Person[] = [];
    for (const name of ["Ben Brückner", "Clara Öztürk", "David Engel"]) {
        const person = await open();
        await person.accept(await anna.makeInvitationLink(), name);
        others.push(person);
    }
    await anna.createRoom("Lagebesprechung", ["Ben Brückner", "Clara Öztürk", "David Engel"]);
    for (const person of others) await person.acceptInvitation("Lagebesprechung");
    const everybody = [anna, ...others];
    for (const [index, person] of everybody.entries()) {
        const text = `Wortmeldung Nummer ${index + 1}`;
        await person.write(text);
        for (const reader of everybody) await reader.sees(text);
    }
});
