// How many bits the numbers of AnonCreds 1.0 have. Where a number that is sent hides a secret x as `tilde + c x`, tilde
// has 80 bits more than c x, so that what is sent says nothing of x. The library `anoncreds` has 673 bits for v' (the
// specification: 3488) and 672 for r (as the specification), and tells most bits of them; neither side looks at the size.

/** The hash by which a proof is challenged (SHA-256). */
export const CHALLENGE = 256
/** By how many bits a secret is hidden, statistically. */
export const HIDING = 80

/** n of a credential definition: of two safe primes 2 p' + 1 with p' of 1024 bits (Generating a Credential Definition). */
export const MODULUS = 2050
export const SMALLEST_MODULUS = 2048
/** A link secret (Create and Store Link Secret), and the largest encoded value (Encoding Attribute Data). */
export const ATTRIBUTE = 256
/** Nonces of offers, requests and presentation requests. */
export const NONCE = 80

/** v': blinds the link secret in a request (Blinding the Link Secret), and r: blinds A and commitments in a proof. */
export const BLINDING = MODULUS + HIDING
/** v'': the issuer's part, with its highest bit set (The Credential Signature). A larger one would not be hidden. */
export const ISSUER_BLINDING = 2724
/** e is a prime from 2^596 to 2^596 + 2^119 (The Credential Signature). */
export const E_START = 596
export const E_RANGE = 119

/** Hides v' in a request. */
export const BLINDING_TILDE = CHALLENGE + BLINDING + HIDING
/** Hides the link secret in a request. */
export const LINK_SECRET_TILDE = 593
/** Hides an attribute in a proof: the same size for all, as the link secret is the same in all sub-proofs. */
export const ATTRIBUTE_TILDE = 592
/** Hides e - 2^596 in a proof. */
export const E_TILDE = 456
/** Hides v - e r in a proof. */
export const V_TILDE = CHALLENGE + (E_START + 1 + BLINDING + 1) + HIDING
/** Hides m2 in a proof, and modulo the group's order in the proof of non-revocation. */
export const M2_TILDE = CHALLENGE + ATTRIBUTE + HIDING
/** Hides the four roots of a predicate's difference. */
export const ROOT_TILDE = 592
/** Hides r_delta - u_1 r_1 - … - u_4 r_4. */
export const ALPHA_TILDE = 2787

/** How many attributes a schema has at most (AnonCreds 1.0, Schema Publisher: Publish Schema Object). */
export const MOST_ATTRIBUTES = 125
/** How long the name of an attribute, and a referent of a request, may be. */
export const LONGEST_NAME = 256
/** How long an identifier may be. */
export const LONGEST_IDENTIFIER = 2048
/** How long a value may be: far more than a form has room for. */
export const LONGEST_VALUE = 1 << 20
/** How many places a revocation registry has at most. */
export const MOST_PLACES = 1 << 20
