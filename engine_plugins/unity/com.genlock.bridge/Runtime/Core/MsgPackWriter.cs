using System;
using System.Collections.Generic;
using System.Text;

namespace Genlock
{
    /// <summary>
    /// Lays msgpack into one buffer that grows and is used again: integers in the smallest format, floats as float 64.
    /// </summary>
    internal sealed class MsgPackWriter
    {
        private byte[] _bytes = new byte[512];

        /// <summary>The buffer; <see cref="Length"/> bytes of it are written. Another one after it grew.</summary>
        internal byte[] Bytes
        {
            get { return _bytes; }
        }

        internal int Length { get; private set; }

        internal void Clear()
        {
            Length = 0;
        }

        internal byte[] ToArray()
        {
            var copy = new byte[Length];
            Buffer.BlockCopy(_bytes, 0, copy, 0, Length);
            return copy;
        }

        internal void Nil()
        {
            Put(0xc0);
        }

        internal void Bool(bool value)
        {
            Put(value ? (byte)0xc3 : (byte)0xc2);
        }

        internal void Int(long value)
        {
            if (value >= 0)
            {
                UInt((ulong)value);
            }
            else if (value >= -32)
            {
                Put((byte)value);
            }
            else if (value >= sbyte.MinValue)
            {
                Header(0xd0, (ulong)value, 1);
            }
            else if (value >= short.MinValue)
            {
                Header(0xd1, (ulong)value, 2);
            }
            else if (value >= int.MinValue)
            {
                Header(0xd2, (ulong)value, 4);
            }
            else
            {
                Header(0xd3, (ulong)value, 8);
            }
        }

        internal void UInt(ulong value)
        {
            if (value < 128)
            {
                Put((byte)value);
            }
            else if (value <= byte.MaxValue)
            {
                Header(0xcc, value, 1);
            }
            else if (value <= ushort.MaxValue)
            {
                Header(0xcd, value, 2);
            }
            else if (value <= uint.MaxValue)
            {
                Header(0xce, value, 4);
            }
            else
            {
                Header(0xcf, value, 8);
            }
        }

        internal void Float(double value)
        {
            Header(0xcb, (ulong)BitConverter.DoubleToInt64Bits(value), 8);
        }

        internal void String(string value)
        {
            var bytes = Encoding.UTF8.GetByteCount(value);
            if (bytes < 32)
            {
                Put((byte)(0xa0 | bytes));
            }
            else
            {
                Sized(0xd9, 0xda, 0xdb, bytes);
            }
            Reserve(bytes);
            Encoding.UTF8.GetBytes(value, 0, value.Length, _bytes, Length);
            Length += bytes;
        }

        internal void Binary(byte[] value, int offset, int count)
        {
            Sized(0xc4, 0xc5, 0xc6, count);
            Reserve(count);
            Buffer.BlockCopy(value, offset, _bytes, Length, count);
            Length += count;
        }

        /// <summary>Floats as a blob: their float 32 in little-endian order.</summary>
        internal void Blob(float[] values, int count)
        {
            if (!BitConverter.IsLittleEndian)
            {
                throw new PlatformNotSupportedException("Genlock needs a little-endian machine, as all that Unity builds for are.");
            }
            Sized(0xc4, 0xc5, 0xc6, 4 * count);
            Reserve(4 * count);
            Buffer.BlockCopy(values, 0, _bytes, Length, 4 * count);
            Length += 4 * count;
        }

        internal void ArrayHeader(int count)
        {
            if (count < 16)
            {
                Put((byte)(0x90 | count));
            }
            else
            {
                Sized(0, 0xdc, 0xdd, count);
            }
        }

        internal void MapHeader(int count)
        {
            if (count < 16)
            {
                Put((byte)(0x80 | count));
            }
            else
            {
                Sized(0, 0xde, 0xdf, count);
            }
        }

        internal void Strings(IList<string> values)
        {
            ArrayHeader(values.Count);
            for (var i = 0; i < values.Count; i++)
            {
                String(values[i]);
            }
        }

        /// <summary>A header with the count in the smallest of its formats; 0 for one that there is not.</summary>
        private void Sized(byte one, byte two, byte four, int count)
        {
            if (count <= byte.MaxValue && one != 0)
            {
                Header(one, (ulong)count, 1);
            }
            else if (count <= ushort.MaxValue)
            {
                Header(two, (ulong)count, 2);
            }
            else
            {
                Header(four, (ulong)count, 4);
            }
        }

        private void Header(byte format, ulong value, int bytes)
        {
            Reserve(bytes + 1);
            _bytes[Length++] = format;
            for (var shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
            {
                _bytes[Length++] = (byte)(value >> shift);
            }
        }

        private void Put(byte value)
        {
            Reserve(1);
            _bytes[Length++] = value;
        }

        private void Reserve(int count)
        {
            if (Length + count > _bytes.Length)
            {
                Array.Resize(ref _bytes, Math.Max(Length + count, 2 * _bytes.Length));
            }
        }
    }
}
