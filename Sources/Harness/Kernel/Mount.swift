import CLinux
import Glibc

/// The mount tree of the calling thread.
package enum Mount {
    package struct Flags: OptionSet, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }

        // The values of MS_* (mount(2)); Swift imports them as enumeration cases.
        /// The corresponding C constant is `MS_RDONLY`.
        package static let readOnly = Flags(rawValue: 1)
        /// The corresponding C constant is `MS_NOSUID`.
        package static let noSetuid = Flags(rawValue: 2)
        /// The corresponding C constant is `MS_NODEV`.
        package static let noDevices = Flags(rawValue: 4)
        /// The corresponding C constant is `MS_NOEXEC`.
        package static let noExec = Flags(rawValue: 8)
        /// The corresponding C constant is `MS_REMOUNT`.
        package static let remount = Flags(rawValue: 32)
        /// The corresponding C constant is `MS_BIND`.
        package static let bind = Flags(rawValue: 4096)
        /// The corresponding C constant is `MS_REC`.
        package static let recursive = Flags(rawValue: 16384)
        /// The corresponding C constant is `MS_PRIVATE`.
        package static let makePrivate = Flags(rawValue: 1 << 18)
    }

    /// Detaches the calling thread from the mount tree of its process: what it mounts from now on, no other sees.
    ///
    /// The corresponding C functions are `unshare(2)` and `mount(2)`.
    package static func enterPrivateNamespace() throws {
        do {
            _ = try valueOrNegatedErrno(clinux_unshare(clinux_clone_newns))
        } catch {
            throw SystemCallError("unshare the mount namespace of", "a thread", error)
        }
        do {
            _ = try valueOrNegatedErrno(clinux_make_mounts_private())
        } catch {
            throw SystemCallError("make private the mounts of", "a thread", error)
        }
    }

    /// The corresponding C function is `mount(2)`.
    package static func mount(
        source: String?, on target: String, type: String?, flags: Flags, data: String? = nil
    ) throws {
        if Glibc.mount(source, target, type, UInt(flags.rawValue), data) != 0 {
            throw SystemCallError("mount \(type ?? "flags") on", target, Errno(rawValue: errno))
        }
    }

    /// Takes a mount out of the tree; it ends when the last use of it does.
    ///
    /// The corresponding C function is `umount2(2)` with MNT_DETACH.
    package static func detach(_ target: String) throws {
        if umount2(target, 2) != 0 { throw SystemCallError("unmount", target, Errno(rawValue: errno)) }
    }

    /// The root directory of a file system that is mounted nowhere, so that nobody else can see it.
    package static func detached(type: String) throws(Errno) -> Descriptor {
        Descriptor(owning: try valueOrNegatedErrno(clinux_mount_detached(type)))
    }
}
