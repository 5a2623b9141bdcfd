import Glibc
import Kernel
import Sandbox

/// What a session needs of the process and the machine that it runs in, looked at before anything is made: what is short is named, and
/// how to get it.
enum Surroundings {
    /// How many files a session has open with one container, and how many more each further one takes.
    private static let filesNeeded = (first: 40, further: 16)

    /// - Throws: `CannotRun`.
    static func check() throws {
        guard geteuid() == 0 else {
            throw CannotRun(reason: "user \(geteuid()) may not make containers", remedy: "run as root")
        }
        // /proc/self is the number of the process that looks, in the namespace of the /proc.
        guard let own = Files.target(ofLink: "/proc/self") else {
            throw CannotRun(reason: "there is no /proc", remedy: "mount it: mount -t proc proc /proc")
        }
        guard own == "\(getpid())" else {
            throw CannotRun(
                reason: "/proc is that of another PID namespace", remedy: "mount it anew: mount -t proc proc /proc")
        }
        let limit = ProcessSettings.fileLimit
        guard limit >= filesNeeded.first else {
            throw CannotRun(
                reason: "this process may have \(limit) files open, and needs \(filesNeeded.first)",
                remedy: "raise the limit: ulimit -n 1024")
        }
    }

    /// How many containers there can be at once with the files that may be open.
    static var containerLimit: Int {
        1 + max(0, ProcessSettings.fileLimit - filesNeeded.first) / filesNeeded.further
    }

    /// Whether this process is root of a user namespace only.
    static var isInUserNamespace: Bool {
        // inside-id outside-id length (user_namespaces(7))
        let map = (Files.text(of: "/proc/self/uid_map") ?? "").split { $0.isWhitespace }
        return map != ["0", "0", "4294967295"]
    }

    /// Whether the kernel keeps what it knows from root too (kernel_lockdown(7)), and so shows no trace.
    ///
    /// It is asked before there is a tracefs: Debian's 6.12 fails (an oops in `tracefs_destroy_inode`) when one is taken away that a lockdown has kept
    /// empty.
    static var isLockedDown: Bool {
        var text = Files.text(of: "/sys/kernel/security/lockdown")
        if text == nil, let root = try? Mount.detached(type: "securityfs") {
            text = Files.text(of: "lockdown", in: root.rawValue)
        }
        // none [integrity] confidentiality
        return text?.split { $0.isWhitespace }.contains("[confidentiality]") == true
    }

    /// What would help against an error of the machine; empty where nothing is known.
    static func remedy(for error: any Error) -> String {
        let code = (error as? SystemCallError)?.errno ?? (error as? SpawnError)?.errno ?? error as? Errno
        switch code?.rawValue {
        case EMFILE: return "raise the limit on open files: ulimit -n 1024"
        case ENFILE: return "the machine has as many files open as it may: /proc/sys/fs/file-max"
        case EAGAIN, ENOMEM: return "there is too little memory, or there are too many processes"
        case ENOSPC: return "make room there"
        case EROFS: return "mount it writable"
        case EPERM, EACCES:
            return isInUserNamespace
                ? "this is a user namespace: run as the machine's root" : "it takes root with all capabilities"
        default: return isInUserNamespace ? "this is a user namespace: run as the machine's root" : ""
        }
    }
}
