import type { TSchema } from '@sinclair/typebox'
import type { FastifySchemaValidationError } from 'fastify'
import { type FieldError, type Problem, problem } from './problem.ts'

/** More than this many errors help nobody. */
const MAX_ERRORS = 20
const MAX_NAME_LENGTH = 64

/** What a schema tells of itself beyond JSON Schema; Ajv passes over it (server-options.ts). */
interface Wording {
  /** What a value may be: "must be ..." */
  readonly wording?: string
  /** What an object is, as in "is not a field of ...": `a timer` */
  readonly noun?: string
  /** What to write where none of `anyOf` is given, and the field that is named for it. */
  readonly alternatives?: FieldError
}

type Schema = TSchema & Wording

/**
 * Turns what the schema validator found into one problem: which fields, and what would be right.
 *
 * Names of unknown fields are the client's own words and are cut short; values are never quoted, because a URL may hold
 * secrets. A nested field goes by its way from the body, as in `callback.url`. What has no `wording` of its own, such as
 * one header of many, is told by what it is part of.
 */
export function validationProblem(
  validation: readonly FastifySchemaValidationError[],
  schema: TSchema,
): Problem {
  const errors = validation.map((error) => fieldError(error, schema)).filter((error) => error !== undefined)
  const unique = [...new Map(errors.map((error) => [`${error.field}\n${error.message}`, error])).values()]
  const shown = unique.slice(0, MAX_ERRORS)
  return problem('INVALID_BODY', shown.map((error) => error.message).join('; '), shown)
}

/** Undefined for what is said by another error already. */
function fieldError(error: FastifySchemaValidationError, body: Schema): FieldError | undefined {
  const at = placeOf(error.instancePath, body)
  const within = (name: string) => (at.field === undefined ? name : `${at.field}.${name}`)
  switch (error.keyword) {
    case 'additionalProperties': {
      const field = within(shortName(String(error.params.additionalProperty)))
      const names = Object.keys(at.schema.properties ?? {})
      const noun = at.schema.noun ?? 'this object'
      return { field, message: `${field} is not a field of ${noun}; allowed are ${listed(names)}` }
    }
    case 'required': {
      // Of the alternatives in `anyOf` the error of `anyOf` itself speaks.
      if (error.schemaPath.includes('/anyOf/')) return undefined
      const name = String(error.params.missingProperty)
      const field = within(name)
      return { field, message: `${field} is required and must be ${wordingOf(at.schema.properties?.[name])}` }
    }
    case 'anyOf':
      return at.schema.alternatives
    default: {
      const field = at.field ?? 'body'
      return { field, message: `${at.field ?? 'the body'} must be ${wordingOf(at.schema)}` }
    }
  }
}

interface Place {
  /** Undefined for the body itself. */
  readonly field: string | undefined
  readonly schema: Schema
}

/** Follows a JSON pointer as far as schemas say what is there. */
function placeOf(pointer: string, body: Schema): Place {
  let place: Place = { field: undefined, schema: body }
  for (const name of pointer.split('/').slice(1)) {
    const { properties } = place.schema
    const next: Schema | undefined =
      properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : undefined
    if (next === undefined) break
    place = { field: place.field === undefined ? name : `${place.field}.${name}`, schema: next }
  }
  return place
}

function wordingOf(schema: Schema | undefined): string {
  return schema?.wording ?? 'something else'
}

/** A client's own word, as long as an answer may show it. */
export function shortName(name: string): string {
  return name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}...` : name
}

/** `a, b and c` */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
