import { expect, test } from "bun:test";
import { badEnds } from "../service/fleet/ecs.ts";
import { startFleet } from "../service/fleet/fleet.ts";
import { createRandom, describeRaces, RACING, runRaces } from "../service/fleet/races.ts";
import { lackingMoto } from "../support/moto.ts";

const RACES = 500;

test.skipIf(lackingMoto !== "")(
  `none of ${RACES} INSERTs around the moments at which workers go is lost${lackingMoto}`,
  async () => {
    const seed = Date.now() % 1_000_000;
    const random = createRandom(seed);
    process.stdout.write(`  seed ${seed}\n`);
    await using fleet = await startFleet({ environment: RACING, random });
    const result = await runRaces(fleet, RACES, random);
    process.stdout.write(`${describeRaces(result, seed)}\n`);
    expect(result.races).toBe(RACES);
    for (const count of Object.values(result.moments)) expect(count).toBeGreaterThan(0);
    expect(badEnds(fleet.ecs.tasks.filter(({ endedMs }) => endedMs !== null))).toEqual([]);
  },
  1_800_000,
);
