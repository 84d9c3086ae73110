/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "frontend/policy.h"

#include "common/cleanup.h"

#include <errno.h>
#include <sys/socket.h>

#define NOBODY_GID ((gid_t)-1)
#define GROUPS_USUAL 64 /* more than this takes a second call */

bool policy_allows(gid_t access_gid, uid_t uid, gid_t gid, const gid_t *groups, size_t group_count)
{
	if (uid == 0)
		return true;
	if (access_gid == NOBODY_GID)
		return false;
	if (gid == access_gid)
		return true;
	for (size_t i = 0; i < group_count; i++) {
		if (groups[i] == access_gid)
			return true;
	}
	return false;
}

static int many_groups_allow(int fd, gid_t access_gid, const struct record_peer *peer,
                             socklen_t size_bytes, bool *allowed)
{
	_cleanup_free_ gid_t *groups = malloc(size_bytes);

	if (!groups)
		return -ENOMEM;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size_bytes) < 0)
		return -errno;
	*allowed =
		policy_allows(access_gid, peer->uid, peer->gid, groups, size_bytes / sizeof(gid_t));
	return 0;
}

static int groups_allow(int fd, gid_t access_gid, const struct record_peer *peer, bool *allowed)
{
	gid_t groups[GROUPS_USUAL];
	socklen_t size_bytes = sizeof(groups);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size_bytes) < 0) {
		if (errno == ERANGE) /* the kernel has written the size that is needed */
			return many_groups_allow(fd, access_gid, peer, size_bytes, allowed);
		return -errno;
	}
	*allowed =
		policy_allows(access_gid, peer->uid, peer->gid, groups, size_bytes / sizeof(gid_t));
	return 0;
}

int policy_peer(int fd, gid_t access_gid, struct record_peer *peer, bool *allowed)
{
	struct ucred credentials;
	socklen_t size_bytes = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size_bytes) < 0)
		return -errno;

	struct record_peer found = {
		.uid = credentials.uid,
		.gid = credentials.gid,
		.pid = (uint32_t)credentials.pid,
	};
	bool may = policy_allows(access_gid, found.uid, found.gid, NULL, 0);
	int r = may ? 0 : groups_allow(fd, access_gid, &found, &may);

	if (r < 0)
		return r;
	*peer = found;
	*allowed = may;
	return 0;
}

void policy_refuse(gid_t access_gid, const struct record_peer *peer, const char *operation,
                   struct error *error)
{
	if (access_gid == NOBODY_GID)
		(void)error_set(error, 0, ERROR_PERMISSION_DENIED,
		                "permission denied: uid %u may not %s: only root may", peer->uid,
		                operation);
	else
		(void)error_set(error, 0, ERROR_PERMISSION_DENIED,
		                "permission denied: uid %u may not %s: only root and members of "
		                "bpfd's access group (gid %u) may",
		                peer->uid, operation, access_gid);
}
