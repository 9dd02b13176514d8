#!/bin/bash
# Makes the cluster at the first start, and at each start the user and the database of every role that has a password here; then runs.
# `database roles` in a container that runs does the same for roles that came since.
# The superuser has no password, so nobody is it over the network; it lets in who is in this container, by its socket.
set -euo pipefail
cluster=/var/lib/postgresql/17

complain() { echo "database: $1" >&2; exit 2; }

make_roles() {
  for file in "${passwords[@]}"; do
    name=$(basename "$(dirname "$file")")
    FILE=$file psql --host /tmp --username postgres --quiet --no-psqlrc --set ON_ERROR_STOP=1 --set "name=$name" postgres <<'SQL'
\set password `cat "$FILE"`
SELECT format('CREATE ROLE %I LOGIN', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
ALTER ROLE :"name" PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'name', :'name') WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \gexec
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
  done
}

shopt -s nullglob
passwords=(/etc/wanderbuch/*/store.password)
((${#passwords[@]})) || complain "no role has a database/store.password: lay one out with wanderbuch <role> init … --scale"
for file in "${passwords[@]}"; do
  [[ -r $file && -s $file ]] || complain "$(basename "$(dirname "$file")")/database/store.password cannot be read by the user $(id -u)"
done
if [[ ${1:-} == roles ]]; then
  make_roles
  exit
fi
[[ -w ${cluster%/*} ]] || complain "the folder database cannot be written to by the user $(id -u)"

if [[ ! -e $cluster/PG_VERSION ]]; then
  # initdb asks for the name of who runs it, and this user may have none.
  printf 'postgres:x:%s:%s::/tmp:/bin/false\n' "$(id -u)" "$(id -g)" >/tmp/passwd
  rm -rf "$cluster.new"
  LD_PRELOAD=libnss_wrapper.so NSS_WRAPPER_PASSWD=/tmp/passwd NSS_WRAPPER_GROUP=/etc/group initdb \
    --pgdata "$cluster.new" --username postgres --auth-local trust --auth-host scram-sha-256 --encoding UTF8 --locale C >/dev/null
  echo 'host all all all scram-sha-256' >>"$cluster.new/pg_hba.conf"
  mv "$cluster.new" "$cluster"
fi

pg_ctl --pgdata "$cluster" --silent --wait --log /dev/stderr --options "-c listen_addresses='' -c unix_socket_directories=/tmp" start
make_roles
pg_ctl --pgdata "$cluster" --silent --wait stop

exec postgres -D "$cluster" -c listen_addresses='*' -c unix_socket_directories=/tmp -c max_connections=200
