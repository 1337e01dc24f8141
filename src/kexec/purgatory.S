# The purgatory: runs between two kernels, makes the SHA-256 digest of the new one's memory, and goes on only if it is the
# digest of what was loaded. purgatory.ts holds these bytes, and test/kexec/purgatory.test.ts assembles this file to see
# that they are the same:
#
#     as --64 -o purgatory.o purgatory.S && objcopy -O binary -j .text purgatory.o purgatory.bin
#
# 64-bit mode, everything identity-mapped, interrupts off. The page's parts, at these offsets:

	.set	STATE,   0x200	# 8 words: the digest so far
	.set	DIGEST,  0x220	# 8 words: what it must be
	.set	K,       0x240	# 64 words: SHA-256's constants
	.set	PADDING, 0x340	# the last block: 0x80, zeros, the length in bits
	.set	REGIONS, 0x380	# pairs of address and size, multiples of 64; the last size is 0
	.set	W,       0x600	# 64 words: the message schedule
	.set	STACK,   0x900	# grows down from here
	.set	TAIL,    0xa00	# the trampoline, entered when all is well

	.code64
	.text
start:
	cld
	lea	start+STACK(%rip), %rsp
	lea	start+REGIONS(%rip), %rax
	lea	start+W(%rip), %rbx
	lea	start+K(%rip), %rdi

region:				# %rax: the next pair
	mov	(%rax), %rsi
	mov	8(%rax), %rbp
	add	$16, %rax
	test	%rbp, %rbp
	jz	compare
	push	%rax

block:				# 64 bytes at %rsi; %rbp bytes are left
	xor	%ecx, %ecx
1:	mov	(%rsi,%rcx,4), %eax	# W[0..15]: the block, big-endian
	bswap	%eax
	mov	%eax, (%rbx,%rcx,4)
	inc	%ecx
	cmp	$16, %ecx
	jb	1b
2:	mov	-60(%rbx,%rcx,4), %eax	# sigma0(W[i-15])
	mov	%eax, %edx
	mov	%eax, %r8d
	ror	$7, %eax
	ror	$18, %edx
	shr	$3, %r8d
	xor	%edx, %eax
	xor	%r8d, %eax
	mov	-8(%rbx,%rcx,4), %edx	# sigma1(W[i-2])
	mov	%edx, %r8d
	mov	%edx, %r9d
	ror	$17, %edx
	ror	$19, %r8d
	shr	$10, %r9d
	xor	%r8d, %edx
	xor	%r9d, %edx
	add	%edx, %eax
	add	-28(%rbx,%rcx,4), %eax	# W[i-7]
	add	-64(%rbx,%rcx,4), %eax	# W[i-16]
	mov	%eax, (%rbx,%rcx,4)
	inc	%ecx
	cmp	$64, %ecx
	jb	2b

	lea	start+STATE(%rip), %rdx	# a..h in %r8d..%r15d
	mov	(%rdx), %r8d
	mov	4(%rdx), %r9d
	mov	8(%rdx), %r10d
	mov	12(%rdx), %r11d
	mov	16(%rdx), %r12d
	mov	20(%rdx), %r13d
	mov	24(%rdx), %r14d
	mov	28(%rdx), %r15d
	xor	%ecx, %ecx
3:	mov	%r12d, %eax		# Sigma1(e)
	mov	%r12d, %edx
	ror	$6, %eax
	ror	$11, %edx
	xor	%edx, %eax
	ror	$14, %edx		# 25 in all
	xor	%edx, %eax
	add	%r15d, %eax		# + h
	mov	%r13d, %edx		# + ch(e, f, g)
	xor	%r14d, %edx
	and	%r12d, %edx
	xor	%r14d, %edx
	add	%edx, %eax
	add	(%rdi,%rcx,4), %eax	# + K[i]
	add	(%rbx,%rcx,4), %eax	# + W[i]
	mov	%r14d, %r15d		# h = g, g = f, f = e, e = d + that
	mov	%r13d, %r14d
	mov	%r12d, %r13d
	mov	%r11d, %r12d
	add	%eax, %r12d
	mov	%r8d, %edx		# + maj(a, b, c)
	mov	%r8d, %r11d
	or	%r9d, %edx
	and	%r9d, %r11d
	and	%r10d, %edx
	or	%r11d, %edx
	add	%edx, %eax
	mov	%r8d, %edx		# + Sigma0(a)
	mov	%r8d, %r11d
	ror	$2, %edx
	ror	$13, %r11d
	xor	%r11d, %edx
	ror	$9, %r11d		# 22 in all
	xor	%r11d, %edx
	add	%edx, %eax
	mov	%r10d, %r11d		# d = c, c = b, b = a, a = all of it
	mov	%r9d, %r10d
	mov	%r8d, %r9d
	mov	%eax, %r8d
	inc	%ecx
	cmp	$64, %ecx
	jb	3b

	lea	start+STATE(%rip), %rdx
	add	%r8d, (%rdx)
	add	%r9d, 4(%rdx)
	add	%r10d, 8(%rdx)
	add	%r11d, 12(%rdx)
	add	%r12d, 16(%rdx)
	add	%r13d, 20(%rdx)
	add	%r14d, 24(%rdx)
	add	%r15d, 28(%rdx)
	add	$64, %rsi
	sub	$64, %rbp
	jnz	block
	pop	%rax
	jmp	region

compare:
	lea	start+STATE(%rip), %rsi
	lea	start+DIGEST(%rip), %rdi
	mov	$8, %ecx
	repe cmpsl
	je	start+TAIL

	lea	message(%rip), %rsi	# says so on the first serial line
	mov	$0x3f8, %edx
4:	lodsb
	test	%al, %al
	jz	5f
	mov	%al, %ah
	mov	$0x3fd, %edx
	mov	$0xffff, %ecx		# waits for the line, but not for ever
6:	in	%dx, %al
	test	$0x20, %al
	loopz	6b
	mov	%ah, %al
	mov	$0x3f8, %edx
	out	%al, %dx
	jmp	4b
5:	push	$0			# no IDT: the next fault resets the machine, which is better than
	push	$0			# standing still for ever
	lidt	(%rsp)
	ud2
message:
	.asciz	"\r\nbaton: the kernel was damaged in memory: reset\r\n"
