using UnityEngine;

namespace Genlock
{
    /// <summary>A component that belongs to a GenlockClient, which it finds by itself where none was set.</summary>
    public abstract class GenlockBehaviour : MonoBehaviour
    {
        [Tooltip("Empty: the GenlockClient above this object, or else in the scene.")]
        [SerializeField] private GenlockClient client;

        private GenlockClient _attached;

        /// <summary>The client; takes effect when this is enabled.</summary>
        public GenlockClient Client
        {
            get { return client; }
            set { client = value; }
        }

        /// <summary>Unity calls it.</summary>
        protected void OnEnable()
        {
            Find();
        }

        /// <summary>Unity calls it.</summary>
        protected void OnDisable()
        {
            // It may be destroyed, and can be left all the same.
            if (!ReferenceEquals(_attached, null))
            {
                Detach(_attached);
                _attached = null;
            }
        }

        /// <summary>Attaches to a client, if this is enabled, has none, and there is one.</summary>
        internal void Find()
        {
            if (_attached != null || !isActiveAndEnabled)
            {
                return;
            }
            if (client == null)
            {
                client = GetComponentInParent<GenlockClient>();
            }
            if (client == null)
            {
                client = GenlockClient.Find();
            }
            if (client != null)
            {
                _attached = client;
                Attach(_attached);
            }
        }

        /// <summary>This is enabled and has a client.</summary>
        internal abstract void Attach(GenlockClient of);

        /// <summary>This is disabled; the client may have been destroyed.</summary>
        internal abstract void Detach(GenlockClient of);
    }
}
