// The pairing as @noble/curves computes it, and the final exponentiation as it is written: what the wallet's quick one is compared with.

const library = new URL('../../../wallet/node_modules/@noble/curves/', import.meta.url)

const X = 0x4080000000000001n
const P = 36n * X ** 4n - 36n * X ** 3n + 24n * X ** 2n - 6n * X + 1n
const ORDER = 36n * X ** 4n - 36n * X ** 3n + 18n * X ** 2n - 6n * X + 1n

/** The product of pairings of points, of any curve class that has `toAffine`. */
export async function slowPairings() {
  const [{ blsBasic }, { tower12, psiFrobenius }, { Field }, { weierstrass }] = await Promise.all(
    ['bls', 'tower', 'modular', 'weierstrass'].map((name) => import(new URL(`abstract/${name}.js`, library))),
  )
  const { Fp, Fp2, Fp6, Fp12 } = tower12({
    ORDER: P,
    X_LEN: 63,
    FP2_NONRESIDUE: [1n, 1n],
    Fp2mulByB: (value) => Fp2.mul(value, b),
    Fp12finalExponentiate: (value) => Fp12.pow(value, (P ** 12n - 1n) / ORDER),
  })
  const b = Fp2.div(Fp2.create({ c0: 2n, c1: 0n }), Fp2.NONRESIDUE)
  const { psi } = psiFrobenius(Fp, Fp2, Fp2.NONRESIDUE)
  const Fr = Field(ORDER)
  const G1 = weierstrass({ p: P, n: ORDER, h: 1n, a: 0n, b: 2n, Gx: P - 1n, Gy: 1n }, { Fp, Fn: Fr })
  const base2 = {
    Gx: Fp2.create({ c0: 0x061a10bb519eb62feb8d8c7e8c61edb6a4648bbb4898bf0d91ee4224c803fb2bn, c1: 0x0516aaf9ba737833310aa78c5982aa5b1f4d746bae3784b70d8c34c1e7d54cf3n }),
    Gy: Fp2.create({ c0: 0x021897a06baf93439a90e096698c822329bd0ae6bdbe09bd19f0e07891cd2b9an, c1: 0x0ebb2b0e7c8b15268f6d4456f5f38d37b09006ffd739c9578a2d1aec6b3ace9bn }),
  }
  const G2 = weierstrass({ p: Fp2.ORDER, n: ORDER, h: P + 6n * X * X, a: Fp2.ZERO, b, ...base2 }, { Fp: Fp2, Fn: Fr })
  const postPrecompute = (x, y, z, ofX, ofY, add) => {
    const first = psi(ofX, ofY)
    const { Rx, Ry, Rz } = add(x, y, z, first[0], Fp2.neg(first[1]))
    add(Rx, Ry, Rz, ...psi(...first))
  }
  const { millerLoopBatch, utils } = blsBasic({ Fp, Fp2, Fp6, Fp12, Fr }, G1, G2, { ateLoopSize: 6n * X - 2n, xNegative: true, twistType: 'divisive', postPrecompute })
  return (...pairs) => {
    const told = pairs.map(([g1, g2]) => {
      const { x, y } = g1.toAffine()
      return [utils.calcPairingPrecomputes(G2.fromAffine(g2.toAffine())), x, y]
    })
    return Fp12.finalExponentiate(millerLoopBatch(told))
  }
}
