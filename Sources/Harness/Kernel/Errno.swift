import Glibc

/// The error of a system call.
package struct Errno: Error, RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    /// The corresponding C error is `ENOENT`.
    package static let noSuchFileOrDirectory = Errno(rawValue: ENOENT)
    /// The corresponding C error is `ESRCH`.
    package static let noSuchProcess = Errno(rawValue: ESRCH)
    /// The corresponding C error is `EAGAIN`.
    package static let wouldBlock = Errno(rawValue: EAGAIN)
    /// The corresponding C error is `EOPNOTSUPP`.
    package static let notSupported = Errno(rawValue: EOPNOTSUPP)
    /// The corresponding C error is `EEXIST`.
    package static let fileExists = Errno(rawValue: EEXIST)

    /// The corresponding C error is `ENODEV`.
    package static let noSuchDevice = Errno(rawValue: ENODEV)

    /// The corresponding C error is `ENOMEM`.
    package static let fileTooLarge = Errno(rawValue: EFBIG)
    /// ENOMEM
    package static let outOfMemory = Errno(rawValue: ENOMEM)
    /// The corresponding C error is `ENXIO`.
    package static let noSuchDeviceOrAddress = Errno(rawValue: ENXIO)
    /// The corresponding C error is `ETIMEDOUT`.
    package static let timedOut = Errno(rawValue: ETIMEDOUT)

    /// What strerror(3) says: "No such file or directory".
    package var description: String { String(cString: strerror(rawValue)) }
}

/// A system call that failed: what was attempted, on what, and why.
package struct SystemCallError: Error, Sendable, CustomStringConvertible {
    /// A verb with its object's kind: "make directory", "mount tmpfs on".
    package let attempt: String
    package let path: String
    package let errno: Errno

    package init(_ attempt: String, _ path: String, _ errno: Errno) {
        self.attempt = attempt
        self.path = path
        self.errno = errno
    }

    package var description: String { "\(attempt) \(path): \(errno)" }
}

/// Turns the result of a C call into a value or the errno, which is read in the statement after the call.
/// A call that was interrupted is made again.
func valueOrErrno<Value: FixedWidthInteger>(_ call: () -> Value) throws(Errno) -> Value {
    while true {
        let result = call()
        if result != -1 { return result }
        let code = errno
        if code != EINTR { throw Errno(rawValue: code) }
    }
}

/// Turns the result of a `clinux_` function, a value or a negated errno, into a value or the errno.
func valueOrNegatedErrno<Value: FixedWidthInteger & SignedInteger>(_ result: Value) throws(Errno) -> Value {
    if result < 0 { throw Errno(rawValue: Int32(-result)) }
    return result
}
