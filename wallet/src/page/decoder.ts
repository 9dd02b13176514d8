// What reads square codes where the browser cannot: fetched when somebody scans, and not before.

export { default } from 'qr/decode.js'
