// Browsers inside other apps: what they keep goes with the app's next tidying, and the browser of the phone knows nothing of it. So a
// worker without a book is told to open the page there.

const IN_APP = /FBA[NV]|FB_IAB|Instagram|Line\/|MicroMessenger|musical_ly|Bytedance|Snapchat|Twitter for|LinkedInApp|KAKAOTALK|; wv\)/
const APPLE = /iPhone|iPad|iPod/

/**
 * The browser of the phone, where a page is in one of an app; undefined: it is in a browser, or on the home screen.
 *
 * @param agent as the browser calls itself; it may call itself anything, so nothing rests on this
 */
export function betterThan(agent: string, isOnHomeScreen: boolean): 'Chrome' | 'Safari' | undefined {
  const isApple = APPLE.test(agent)
  const isInApp = IN_APP.test(agent) || (isApple && !isOnHomeScreen && !agent.includes('Safari/'))
  return isInApp ? (isApple ? 'Safari' : 'Chrome') : undefined
}
