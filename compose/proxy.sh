#!/bin/sh
# Runs nginx for the roles whose folder `proxy` is there; what is missing is one line.
set -eu

complain() { echo "proxy: $1" >&2; exit 2; }

roles=
for site in /etc/wanderbuch/*/site.conf; do
  [ -e "$site" ] || continue
  folder=${site%/site.conf}
  role=${folder##*/}
  for name in public.crt public.key; do
    [ -r "$folder/$name" ] || complain "$role/proxy/$name is not there, or cannot be read: put the certificate of the public name there, and its key"
  done
  roles="$roles $role"
done
[ -n "$roles" ] || complain "no role has a proxy/site.conf: lay one out with wanderbuch <role> init … --scale"

# nginx asks for these names once, when it starts.
for role in $roles; do
  for name in "$role-1" "$role-2"; do
    left=60
    until getent hosts "$name" >/dev/null; do
      left=$((left - 1))
      [ "$left" -gt 0 ] || complain "nobody in this network is called $name: start the service, or take $role/proxy/site.conf away"
      sleep 1
    done
  done
done
exec nginx -g 'daemon off;'
