/**
 * Properties of a mutated run: the same cases each time, so that a mutant that was killed is killed again, and no search
 * for a smaller counterexample, which nobody would read. Tests that take seconds are left out: nothing that others let
 * through is killed by them alone.
 */
import { FastCheck } from "effect"
import * as fc from "fast-check"
import { beforeEach } from "vitest"
import { slow } from "./groups.mjs"

const settings = { seed: 1, endOnFailure: true }
fc.configureGlobal({ ...fc.readConfigureGlobal(), ...settings })
FastCheck.configureGlobal({ ...FastCheck.readConfigureGlobal(), ...settings })

beforeEach((test) => {
  const { name, suite } = test.task
  if (slow.includes(name) || slow.includes(suite?.name ?? "")) test.skip()
})
