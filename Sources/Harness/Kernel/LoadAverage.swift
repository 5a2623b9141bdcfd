import Glibc

/// What the kernel says of all tasks together, kept open to be asked often.
package struct LoadAverage: ~Copyable, Sendable {
    private let file: Descriptor

    /// - Throws: `Errno` where there is no /proc/loadavg.
    package init() throws(Errno) { file = try Descriptor.open("/proc/loadavg", .read) }

    /// How many tasks of the machine run or are ready to, the one that asks among them; nil where the kernel does not say.
    package var runnableCount: Int? {
        // 0.20 0.18 0.12 1/80 11206 (proc_loadavg(5))
        withUnsafeTemporaryAllocation(byteCount: 128, alignment: 1) { buffer in
            let count = pread(file.rawValue, buffer.baseAddress, buffer.count, 0)
            guard count > 0, let slash = buffer[..<count].firstIndex(of: UInt8(ascii: "/")) else { return nil }
            var result = 0
            let digits = buffer[..<slash].reversed().prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            for digit in digits.reversed() { result = result * 10 + Int(digit - UInt8(ascii: "0")) }
            return digits.isEmpty ? nil : result
        }
    }
}
