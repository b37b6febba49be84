//! AMX: asking the processor, the operating system and the kernel for it (Linux grants it to a
//! process), and the tile registers of a thread.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;
use std::marker::PhantomData;

use super::tile::Line;

/// Asks for AMX with bf16. A grant holds for all threads of this process.
///
/// # Errors
/// Who refused, worded for people.
pub fn request() -> Result<(), String> {
    const AMX_BF16: u32 = 1 << 22; // CPUID(7, 0).EDX
    const AMX_TILE: u32 = 1 << 24;
    const TILE_STATE: u32 = 0b11 << 17; // XCR0: configuration and data of tiles
    let features = __cpuid_count(7, 0).edx;
    if features & (AMX_BF16 | AMX_TILE) != AMX_BF16 | AMX_TILE {
        return Err("this processor has no amx-bf16".to_owned());
    }
    if enabled_states() & TILE_STATE != TILE_STATE {
        return Err("the operating system or hypervisor does not enable AMX".to_owned());
    }
    permission()
}

/// Whether the processor multiplies int8 in tiles.
pub fn has_int8() -> bool {
    const AMX_INT8: u32 = 1 << 25; // CPUID(7, 0).EDX
    __cpuid_count(7, 0).edx & AMX_INT8 != 0
}

/// The lower half of XCR0, which says what the system saves when it switches threads; 0 if the
/// system does not let programs ask.
fn enabled_states() -> u32 {
    const OSXSAVE: u32 = 1 << 27; // CPUID(1).ECX
    if __cpuid_count(1, 0).ecx & OSXSAVE == 0 {
        return 0;
    }
    let low: u32;
    // SAFETY: the system enables `xgetbv`, and register 0 always exists.
    unsafe { asm!("xgetbv", in("ecx") 0, out("eax") low, out("edx") _, options(nomem, nostack)) };
    low
}

#[cfg(target_os = "linux")]
fn permission() -> Result<(), String> {
    const ARCH_PRCTL: isize = 158;
    const ARCH_REQ_XCOMP_PERM: usize = 0x1023;
    const XFEATURE_XTILEDATA: usize = 18;
    let result: isize;
    // SAFETY: this call only raises what this process may do (Documentation/arch/x86/xstate.rst of
    // Linux); a system call clobbers rcx and r11.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => result, in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") XFEATURE_XTILEDATA, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    match result {
        0 => Ok(()),
        error => {
            let error = std::io::Error::from_raw_os_error(error.unsigned_abs() as i32);
            Err(format!("the system does not permit AMX (arch_prctl: {error})"))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn permission() -> Result<(), String> {
    Err("AMX is used on Linux only".to_owned())
}

/// The tile registers of this thread, configured as eight full tiles until this is dropped.
///
/// Releasing them tells the system that it need not save their 8 KiB when it switches threads. They
/// stay with the thread.
pub struct TileRegisters(PhantomData<*const ()>);

impl TileRegisters {
    /// # Safety
    /// - Detected: the processor must have AMX with bf16.
    /// - Permitted: the system must allow this process to use it.
    /// - Once: no other value of this type may be on this thread, for each releases the registers.
    pub unsafe fn configure() -> Self {
        let mut config = Line([0; 64]);
        config.0[0] = 1; // palette
        for tile in 0..8 {
            config.0[16 + 2 * tile] = 64; // bytes of a row
            config.0[48 + tile] = 16; // rows
        }
        // SAFETY: detected, permitted; the operand is a valid configuration of 64 bytes (Intel SDM,
        // volume 1, section 18.2).
        unsafe { asm!("ldtilecfg [{}]", in(reg) config.0.as_ptr(), options(nostack, readonly)) };
        Self(PhantomData)
    }
}

impl Drop for TileRegisters {
    fn drop(&mut self) {
        // SAFETY: the value exists, so AMX is there.
        unsafe { asm!("tilerelease", options(nostack, nomem)) }
    }
}
